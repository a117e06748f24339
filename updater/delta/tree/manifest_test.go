package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

// A published manifest must keep its digest for ever.
const golden = "tree 1\n" +
	"d\t755\tContents\n" +
	"d\t700\tContents/Frameworks\n" +
	"l\t../Résumé vide.txt\tContents/Frameworks/x\n" +
	"f\t755\t3\tba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\tContents/MacOS-notes\n" +
	"f\t444\t0\te3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\tContents/Résumé vide.txt\n"

func TestManifestKeepsItsForm(t *testing.T) {
	m, err := tree.New([]tree.Entry{
		{Path: "Contents/Résumé vide.txt", Kind: tree.File, Mode: 0o444, SHA256: sum(nil)},
		{Path: "Contents/MacOS-notes", Kind: tree.File, Mode: 0o755, Length: 3, SHA256: sum([]byte("abc"))},
		{Path: "Contents/Frameworks/x", Kind: tree.Link, Target: "../Résumé vide.txt"},
		{Path: "Contents/Frameworks", Kind: tree.Folder, Mode: 0o700},
		{Path: "Contents", Kind: tree.Folder, Mode: 0o755},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Encode()); got != golden {
		t.Errorf("encoded\n%s", got)
	}
	if got, want := m.Digest().String(), "de7e6d163cf877e0dfd3e47c9fe36d41bda4c9339168bb9e0798718bd9fe5f3b"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if m.Size() != 3 {
		t.Errorf("size %d", m.Size())
	}
	back, err := tree.Parse([]byte(golden))
	if err != nil || !bytes.Equal(back.Encode(), []byte(golden)) {
		t.Errorf("parsed %v: %s", err, back.Encode())
	}
	var none tree.Manifest
	if back, err := tree.Parse(none.Encode()); err != nil || len(back.Entries()) != 0 {
		t.Errorf("the empty tree: %v, %v", back, err)
	}
}

func TestParseRefuses(t *testing.T) {
	hash := sum([]byte("abc")).String()
	for name, text := range map[string]string{
		"nothing":                   "",
		"another title":             "tree 2\n",
		"no title":                  "d\t755\ta\n",
		"a last line without end":   "tree 1\nd\t755\ta",
		"an empty line":             "tree 1\n\n",
		"a carriage return":         "tree 1\nd\t755\ta\r\n",
		"an unknown kind":           "tree 1\nx\t755\ta\n",
		"a field too many":          "tree 1\nd\t755\ta\tb\n",
		"a field too few":           "tree 1\nd\t755\n",
		"a short mode":              "tree 1\nd\t75\ta\n",
		"a long mode":               "tree 1\nd\t0755\ta\n",
		"setuid":                    "tree 1\nf\t4755\t3\t" + hash + "\ta\n",
		"a mode that is no number":  "tree 1\nd\t+55\ta\n",
		"a mode that is not octal":  "tree 1\nd\t758\ta\n",
		"a signed length":           "tree 1\nf\t644\t+3\t" + hash + "\ta\n",
		"a negative length":         "tree 1\nf\t644\t-3\t" + hash + "\ta\n",
		"a padded length":           "tree 1\nf\t644\t03\t" + hash + "\ta\n",
		"a length with a separator": "tree 1\nf\t644\t1_0\t" + hash + "\ta\n",
		"too large a length":        "tree 1\nf\t644\t9223372036854775807\t" + hash + "\ta\n",
		"an upper-case SHA-256":     "tree 1\nf\t644\t3\t" + strings.ToUpper(hash) + "\ta\n",
		"a short SHA-256":           "tree 1\nf\t644\t3\t" + hash[2:] + "\ta\n",
		"a SHA-256 of other signs":  "tree 1\nf\t644\t3\t" + hash[1:] + "g\ta\n",
		"not sorted":                "tree 1\nd\t755\tb\nd\t755\ta\n",
		"twice":                     "tree 1\nd\t755\ta\nd\t755\ta\n",
		"too long":                  "tree 1\n" + strings.Repeat("d\t755\ta\n", 1<<20),
		"too many":                  "tree 1\n" + strings.Repeat("d\t755\ta\n", 1<<17),
	} {
		if m, err := tree.Parse([]byte(text)); !errors.Is(err, tree.ErrUnfit) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	long := strings.Repeat("a", tree.MaxName+1)
	for _, path := range []string{
		"", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/.", "a/../b", "../a", "a/..", "C:/a", "C:", "a:b", `a\b`, `\\host\a`, "a\x00b",
		"a\nb", "a\tb", "a\x7f", "\x80", "a\xff", "a\u0085", "a.", "a ", "a/b./c", "a/b /c", "a\u200db", "\ufeffa", "a\u202eb", "a\u2028",
		"con", "CON", "Con.txt", "nul", "NUL.tar.gz", "aux ", "prn .txt", "com1", "COM9.log", "LPT0", "com²", "conin$", "CONOUT$", "a/nul/b",
		`a"b`, "a<b", "a>b", "a|b", "a?b", "a*b", long, strings.Repeat("a/", tree.MaxPath/2) + "a",
	} {
		for _, e := range []tree.Entry{
			{Path: path, Kind: tree.File, Mode: 0o644, SHA256: sum(nil)},
			{Path: path, Kind: tree.Folder, Mode: 0o755},
			{Path: path, Kind: tree.Link, Target: "a"},
		} {
			// The folders that it would lie in are there: it is the path itself that must be refused.
			entries := []tree.Entry{e}
			for n, c := range path {
				if c == '/' && n > 0 {
					entries = append(entries, tree.Entry{Path: path[:n], Kind: tree.Folder, Mode: 0o755})
				}
			}
			if _, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
				t.Errorf("%q: %v", path, err)
			}
		}
	}
}

func TestPathsTaken(t *testing.T) {
	for _, path := range []string{
		"a", "...a", ".hidden", "a b", "a'b", "console", "nulls.txt", "com", "com10", "a~1", "PROGRA~1",
		"\u00e9", "e\u0301", "文書", "👍", "a+b@c#d%e&f=g;h,i", "$x", "a-", "-a",
		"C", "(1)", "[a]", "{b}", "^", "`", "!", strings.Repeat("a", tree.MaxName),
	} {
		if _, err := tree.New([]tree.Entry{{Path: path, Kind: tree.File, Mode: 0o644, SHA256: sum(nil)}}); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestNamesThatSomeDiskTakesForTheSame(t *testing.T) {
	for _, c := range [][2]string{
		{"a", "A"}, {"readme.TXT", "README.txt"},
		{"\u00e9", "e\u0301"}, {"\u00c9", "\u00e9"}, {"E\u0301", "\u00e9"}, {"\u00c5", "\u212b"}, {"\uac00", "\u1100\u1161"}, // composed or not
		{"\u00df", "SS"}, {"\u017f", "s"}, {"\u212a", "k"}, {"\u0131", "I"}, {"\ufb01", "fi"}, {"\u03a3", "\u03c2"}, // letters that fold
	} {
		for _, where := range []string{"", "d/"} {
			entries := []tree.Entry{{Path: "d", Kind: tree.Folder, Mode: 0o755}}
			for n := range c {
				entries = append(entries, tree.Entry{Path: where + c[n], Kind: tree.File, Mode: 0o644, SHA256: sum(nil)})
			}
			if _, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
				t.Errorf("%q and %q: %v", c[0], c[1], err)
			}
		}
	}
	folders := []tree.Entry{{Path: "D", Kind: tree.Folder, Mode: 0o755}, {Path: "d", Kind: tree.Folder, Mode: 0o755}}
	if _, err := tree.New(folders); !errors.Is(err, tree.ErrUnfit) {
		t.Errorf("folders: %v", err)
	}
}

func TestEntriesRefused(t *testing.T) {
	text := sum([]byte("abc"))
	folder := tree.Entry{Path: "d", Kind: tree.Folder, Mode: 0o755}
	file := tree.Entry{Path: "d/f", Kind: tree.File, Mode: 0o644, Length: 3, SHA256: text}
	with := func(e tree.Entry, change func(*tree.Entry)) tree.Entry { change(&e); return e }
	for name, entries := range map[string][]tree.Entry{
		"no kind":                     {{Path: "a"}},
		"an unknown kind":             {{Path: "a", Kind: 4}},
		"no folder around it":         {file},
		"in a file":                   {with(file, func(e *tree.Entry) { e.Path = "d" }), file},
		"in a link":                   {folder, {Path: "l", Kind: tree.Link, Target: "d"}, with(file, func(e *tree.Entry) { e.Path = "l/f" })},
		"twice":                       {folder, file, file},
		"as file and as folder":       {folder, file, with(folder, func(e *tree.Entry) { e.Path = "d/f" })},
		"setuid":                      {folder, with(file, func(e *tree.Entry) { e.Mode |= fs.ModeSetuid })},
		"setgid":                      {with(folder, func(e *tree.Entry) { e.Mode |= fs.ModeSetgid })},
		"sticky":                      {with(folder, func(e *tree.Entry) { e.Mode |= fs.ModeSticky })},
		"raw setuid bit":              {folder, with(file, func(e *tree.Entry) { e.Mode |= 0o4000 })},
		"a file that none can read":   {folder, with(file, func(e *tree.Entry) { e.Mode = 0o044 })},
		"a folder that none can open": {with(folder, func(e *tree.Entry) { e.Mode = 0o655 })},
		"a negative length":           {folder, with(file, func(e *tree.Entry) { e.Length = -1 })},
		"too long a file":             {folder, with(file, func(e *tree.Entry) { e.Length = tree.MaxFile + 1 })},
		"no bytes that have a hash":   {folder, with(file, func(e *tree.Entry) { e.Length = 0 })},
		"a file with a target":        {folder, with(file, func(e *tree.Entry) { e.Target = "d" })},
		"a folder with a length":      {with(folder, func(e *tree.Entry) { e.Length = 1 })},
		"a folder with a hash":        {with(folder, func(e *tree.Entry) { e.SHA256 = text })},
		"a link with permissions":     {folder, {Path: "l", Kind: tree.Link, Target: "d", Mode: 0o777}},
	} {
		if m, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestLimits(t *testing.T) {
	var entries []tree.Entry
	for n := range tree.MaxTotal/tree.MaxFile + 1 {
		entries = append(entries, tree.Entry{Path: fmt.Sprint(n), Kind: tree.File, Mode: 0o644, Length: tree.MaxFile, SHA256: sum([]byte("a"))})
	}
	if _, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
		t.Errorf("too many bytes: %v", err)
	}
	if _, err := tree.New(entries[1:]); err != nil {
		t.Errorf("the most bytes: %v", err)
	}
	entries = nil
	for n := range tree.MaxEntries + 1 {
		entries = append(entries, tree.Entry{Path: fmt.Sprint(n), Kind: tree.Folder, Mode: 0o755})
	}
	if _, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
		t.Errorf("too many entries: %v", err)
	}
	m, err := tree.New(entries[1:])
	if err != nil {
		t.Fatalf("the most entries: %v", err)
	}
	if _, err := tree.Parse(m.Encode()); err != nil {
		t.Errorf("the most entries: %v", err)
	}
	entries = nil
	for n := range tree.MaxEntries {
		entries = append(entries, tree.Entry{Path: fmt.Sprintf("%0200d", n), Kind: tree.Folder, Mode: 0o755})
	}
	if _, err := tree.New(entries); !errors.Is(err, tree.ErrUnfit) {
		t.Errorf("too long a manifest: %v", err)
	}
}

// links makes a tree of folders, ending in a slash, files, and links, written "path -> target".
func links(specs ...string) []tree.Entry {
	var entries []tree.Entry
	for _, spec := range specs {
		path, target, isLink := strings.Cut(spec, " -> ")
		folder, isFolder := strings.CutSuffix(path, "/")
		switch {
		case isLink:
			entries = append(entries, tree.Entry{Path: path, Kind: tree.Link, Target: target})
		case isFolder:
			entries = append(entries, tree.Entry{Path: folder, Kind: tree.Folder, Mode: 0o755})
		default:
			entries = append(entries, tree.Entry{Path: path, Kind: tree.File, Mode: 0o644, SHA256: sum(nil)})
		}
	}
	return entries
}

func TestLinks(t *testing.T) {
	chain := func(n int) (specs []string) {
		specs = []string{"f", "l0 -> f"}
		for i := 1; i < n; i++ {
			specs = append(specs, fmt.Sprintf("l%d -> l%d", i, i-1))
		}
		return specs
	}
	for _, c := range []struct {
		name  string
		specs []string
		fits  bool
	}{
		{"to a file", []string{"f", "l -> f"}, true},
		{"to a folder", []string{"d/", "l -> d"}, true},
		{"up and down", []string{"a/", "b/", "b/f", "a/l -> ../b/f"}, true},
		{"a framework", []string{"Versions/", "Versions/A/", "Versions/A/X", "Versions/A/Resources/", "Versions/Current -> A",
			"X -> Versions/Current/X", "Resources -> Versions/Current/Resources"}, true},
		{"to the tree itself", []string{"a/", "a/l -> .."}, true},
		{"up from where a link leads", []string{"a/", "a/b/", "f", "l -> a/b", "a/f", "m -> l/../f"}, true},
		{"as long a chain as there may be", chain(16), true},
		{"too long a chain", chain(17), false},

		{"absolute", []string{"f", "l -> /f"}, false},
		{"absolute, elsewhere", []string{"l -> /etc/passwd"}, false},
		{"Windows, absolute", []string{"l -> C:/f"}, false},
		{"Windows, up", []string{`l -> ..\f`}, false},
		{"above", []string{"l -> .."}, false},
		{"above and back by name", []string{"f", "l -> ../tree/f"}, false},
		{"far above", []string{"a/", "a/l -> ../../../../etc/passwd"}, false},
		{"above in the middle", []string{"a/", "f", "a/l -> ../../x/../f"}, false},
		{"above through a link, though the text stays inside", []string{"a/", "a/b/", "a/b/c/", "a/b/c/up -> ../../..", "l -> a/b/c/up/.."}, false},
		{"above through two links", []string{"d/", "d/l -> ..", "m -> d/l/.."}, false},
		{"above by the text, though a link leads back down", []string{"a/", "a/b/", "l -> a/b", "m -> l/../.."}, false},
		{"nowhere", []string{"l -> missing"}, false},
		{"nowhere, in case", []string{"File", "l -> file"}, false},
		{"through a file", []string{"f", "l -> f/x"}, false},
		{"through a file and up", []string{"f", "g", "l -> f/../g"}, false},
		{"to itself", []string{"l -> l"}, false},
		{"a circle", []string{"a -> b", "b -> a"}, false},
		{"a circle of folders", []string{"a/", "b/", "a/x -> ../b/y", "b/y -> ../a/x"}, false},
		{"that grows", []string{"a/", "a/l -> l/l"}, false},
		{"empty", []string{"l -> "}, false},
		{"here", []string{"l -> ."}, false},
		{"with a dot", []string{"f", "l -> ./f"}, false},
		{"with an empty element", []string{"d/", "d/f", "l -> d//f"}, false},
		{"with a slash at the end", []string{"d/", "l -> d/"}, false},
		{"a control character", []string{"l -> a\nb"}, false},
		{"a device", []string{"l -> nul"}, false},
		{"too long", []string{"d/", "l -> " + strings.Repeat("d/../", 220) + "d"}, false},
	} {
		_, err := tree.New(links(c.specs...))
		if c.fits != (err == nil) || err != nil && !errors.Is(err, tree.ErrUnfit) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Links that double the way at every step must not take for ever.
func TestTangledLinks(t *testing.T) {
	specs := []string{"d/", "d/l00 -> " + strings.TrimSuffix(strings.Repeat("../d/", 190), "/")}
	for n := range 30_000 {
		specs = append(specs, fmt.Sprintf("d/x%05d -> %sl00", n, strings.Repeat("../d/", 40)))
	}
	if _, err := tree.New(links(specs...)); !errors.Is(err, tree.ErrUnfit) {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte("tree 1\n"))
	f.Add([]byte("tree 1\nd\t755\ta\nl\t..\ta/b\nl\ta/b/..\tc\n"))
	f.Add([]byte("tree 1\nl\tb\ta\nl\ta\tb\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := tree.Parse(text)
		if err != nil {
			if !errors.Is(err, tree.ErrUnfit) {
				t.Fatalf("%v is not ErrUnfit", err)
			}
			return
		}
		if !bytes.Equal(m.Encode(), text) {
			t.Fatalf("%q is written as %q", text, m.Encode())
		}
		if again, err := tree.New(m.Entries()); err != nil || again.Digest() != m.Digest() {
			t.Fatalf("its own entries make %v, %v", again, err)
		}
	})
}
