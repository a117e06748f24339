package sandbox

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckNameRefuses(t *testing.T) {
	long := strings.Repeat("a", 256)
	cjk := strings.Repeat("文", 86) // 258 bytes
	for _, name := range []string{
		// traversal
		"", ".", "..", "../a", "../../etc/passwd", "a/..", "a/../b", "a/../../b", "./a", "a/.", "a/./b", "a//b", "a/", "/a", "//a", "/",
		"/etc/passwd", "...", "a/...", "..\\a", "a\\b", "a\\..\\b", "\\a", "\\\\server\\share\\a", "\\\\?\\C:\\a", "\\\\.\\pipe\\x",
		// other ways to say a place on Windows
		"C:", "C:a", "C:/a", "C:\\a", "c:\\windows\\system32", "file:///etc/passwd", "a:b", "a.md:stream", "a.md::$DATA",
		// device names, in every disguise
		"CON", "con", "Con.md", "PRN", "AUX", "aux.txt", "NUL", "nul", "NUL.tar.gz", "nul .txt", "folder/nul", "nul/folder", "COM1", "com0", "COM9.md",
		"COM¹", "LPT1", "lpt³.md", "LPT9", "CONIN$", "conout$", "CLOCK$",
		// what Windows drops, so that two names become one
		"a.", "a. ", "a ", "a/b.", "a./b", "a.md.", "a.md ", " ",
		// characters
		"a\x00b", "a\x00", "\x00", "a\nb", "a\rb", "a\tb", "a\x1bb", "a\x7fb", "a\u0085b", "a\u2028b", "evil\u202egpj.md", "a\u2066b",
		"a*b", "a?b", "a\"b", "a<b", "a>b", "a|b", "a\xffb", "\xc0\xae\xc0\xae/a", "a\xed\xa0\x80",
		// length
		long, "a/" + long, long + "/a", cjk, strings.Repeat("abcd/", 410) + "a",
	} {
		var refused *NameError
		if err := CheckName(name); !errors.As(err, &refused) {
			t.Errorf("CheckName(%q) = %v, want a NameError", name, err)
		} else if refused.Name != name || refused.Why == "" {
			t.Errorf("CheckName(%q) says %+v", name, refused)
		}
	}
}

func TestCheckNameAccepts(t *testing.T) {
	for _, name := range []string{
		"a", "a.md", "a/b/c.md", ".trash", ".trash/x/y", "..a", "...a", "a..b", "a...md", " a.md", "a b.md", "Über uns.md", "项目/笔记.md", "🎉.md",
		"console.md", "COM10", "COM", "com.md", "LPT", "nullable.md", "con_.md", "aux-1", "CON1", "%2e%2e", "%2e%2e/a", "~", "~/a", "$HOME", "-rf", "a'b", "a`b", "a&b;c",
		strings.Repeat("a", 255), strings.Repeat("文", 85), "a\u0301.md", "\u200fعربي.md",
	} {
		if err := CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", "nul.txt", "C:\\a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\x00\\:") || len(name) > maxName {
			t.Fatalf("accepted %q", name)
		}
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part == "." || part == ".." || len(part) > maxPart {
				t.Fatalf("accepted %q with part %q", name, part)
			}
		}
	})
}
