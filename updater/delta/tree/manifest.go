package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Limits of a tree.
const (
	MaxEntries  = 1 << 16 // files, folders and links
	MaxManifest = 8 << 20 // bytes of the encoded manifest
	MaxPath     = 1000    // bytes of a path, and of a link's target
	MaxName     = 255     // bytes of one element of a path
	MaxFile     = 1 << 30 // bytes of a file
	MaxTotal    = 8 << 30 // bytes of all files together
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String is 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Kind is what an entry is.
type Kind uint8

// The kinds of entries.
const (
	File Kind = iota + 1
	Folder
	Link
)

// Entry is one file, folder or symbolic link of a tree. Fields that its kind does not have are zero.
type Entry struct {
	Path   string      // relative to the tree, with forward slashes
	Kind   Kind        //
	Mode   fs.FileMode // permission bits of a file or folder, 0777 at most
	Length int64       // of a file, in bytes
	SHA256 Digest      // of a file
	Target string      // of a link, relative to the folder it lies in
}

// Manifest says everything that there is to say about a tree. The zero Manifest is the empty tree's. Manifests made by this
// package obey the rules of [New].
type Manifest struct{ entries []Entry }

// New makes a manifest of entries in any order. It refuses ([ErrUnfit]) what would not mean the same on every system:
//
//   - Paths are UTF-8 of at most [MaxPath] bytes. Their elements are not empty, ".", ".." or longer than [MaxName]; they
//     hold no control or invisible formatting characters and none of \ < > : " | ? *, do not end in a dot or a space, and
//     are no device names of Windows, with an extension or without.
//   - No two paths are the same once case and Unicode normalisation are ignored.
//   - The folder that an entry lies in is an entry too, and is a folder.
//   - Permissions are within 0777, and let the owner read a file, or read, enter and change a folder: else the tree
//     could not be updated again.
//   - A link's target is relative, made of such elements and "..", and leads to an entry of the tree, step by step, also through
//     other links; no step leaves the tree, and no chain of links is longer than 16.
//   - Entries, bytes of the manifest, of each file and of all files together are within the limits above.
func New(entries []Entry) (Manifest, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	if err := check(entries); err != nil {
		return Manifest{}, err
	}
	return Manifest{entries}, nil
}

// Entries returns the entries sorted by path, byte by byte.
func (m Manifest) Entries() []Entry { return slices.Clone(m.entries) }

// Size is the sum of the files' lengths.
func (m Manifest) Size() int64 {
	var total int64
	for _, e := range m.entries {
		total += e.Length
	}
	return total
}

// Digest is the SHA-256 of the encoded manifest: what a publisher signs.
func (m Manifest) Digest() Digest { return sha256.Sum256(m.Encode()) }

// title opens an encoded manifest and numbers its format.
const title = "tree 1\n"

// Encode writes the manifest in its only form: the title, then a line for each entry, fields separated by tabs:
//
//	d	755	Contents
//	f	644	1024	<SHA-256>	Contents/Info.plist
//	l	A	Versions/Current
//
// that is kind, permissions in three octal digits, length in decimal, SHA-256 in hexadecimal, target, path; lines are sorted
// by path and end in a line feed.
func (m Manifest) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(title)
	for _, e := range m.entries {
		switch e.Kind {
		case File:
			fmt.Fprintf(&b, "f\t%03o\t%d\t%x\t%s\n", e.Mode, e.Length, e.SHA256[:], e.Path)
		case Folder:
			fmt.Fprintf(&b, "d\t%03o\t%s\n", e.Mode, e.Path)
		case Link:
			fmt.Fprintf(&b, "l\t%s\t%s\n", e.Target, e.Path)
		}
	}
	return b.Bytes()
}

// Parse reads an encoded manifest. It takes nothing that Encode would not have written: what it accepts, Encode writes again
// byte for byte.
func Parse(encoded []byte) (Manifest, error) {
	if len(encoded) > MaxManifest {
		return Manifest{}, unfit("a manifest of %d bytes: at most %d", len(encoded), MaxManifest)
	}
	text, ok := strings.CutPrefix(string(encoded), title)
	if !ok {
		return Manifest{}, unfit("a manifest starts with %q", title)
	}
	if text == "" {
		return Manifest{}, nil
	}
	text, ok = strings.CutSuffix(text, "\n")
	if !ok {
		return Manifest{}, unfit("the manifest's last line has no end")
	}
	var entries []Entry
	for line := range strings.SplitSeq(text, "\n") {
		if len(entries) == MaxEntries {
			return Manifest{}, unfit("more than %d entries", MaxEntries)
		}
		e, err := parseLine(line)
		if err != nil {
			return Manifest{}, unfit("manifest line %d: %v", len(entries)+2, err)
		}
		entries = append(entries, e)
	}
	if err := check(entries); err != nil {
		return Manifest{}, err
	}
	return Manifest{entries}, nil
}

func parseLine(line string) (Entry, error) {
	fields := strings.Split(line, "\t")
	switch {
	case fields[0] == "f" && len(fields) == 5:
		e := Entry{Kind: File, Path: fields[4]}
		var err error
		if e.Mode, err = parseMode(fields[1]); err != nil {
			return e, err
		}
		if e.Length, err = parseLength(fields[2]); err != nil {
			return e, err
		}
		return e, parseDigest(&e.SHA256, fields[3])
	case fields[0] == "d" && len(fields) == 3:
		mode, err := parseMode(fields[1])
		return Entry{Kind: Folder, Mode: mode, Path: fields[2]}, err
	case fields[0] == "l" && len(fields) == 3:
		return Entry{Kind: Link, Target: fields[1], Path: fields[2]}, nil
	}
	return Entry{}, fmt.Errorf("%q is not an entry", clip(line))
}

func parseMode(s string) (fs.FileMode, error) {
	mode, err := strconv.ParseUint(s, 8, 9)
	if err != nil || len(s) != 3 {
		return 0, fmt.Errorf("permissions %q are not three octal digits", clip(s))
	}
	return fs.FileMode(mode), nil
}

func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 62)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("length %q is not a plain number", clip(s))
	}
	return int64(n), nil
}

func parseDigest(d *Digest, s string) error {
	if len(s) != 2*len(d) || strings.ToLower(s) != s {
		return fmt.Errorf("SHA-256 %q is not 64 lower-case hexadecimal digits", clip(s))
	}
	_, err := hex.Decode(d[:], []byte(s))
	return err
}

// empty is the SHA-256 of no bytes.
var empty = Digest(sha256.Sum256(nil))

// check holds sorted entries to the rules of New.
func check(entries []Entry) error {
	if len(entries) > MaxEntries {
		return unfit("%d entries: at most %d", len(entries), MaxEntries)
	}
	known := index{entries: entries, at: make(map[string]int, len(entries))}
	folded := make(map[string]string, len(entries))
	encoded, total := len(title), int64(0)
	for n, e := range entries {
		if n > 0 && entries[n-1].Path >= e.Path {
			return unfit("%q does not come after %q", clip(e.Path), clip(entries[n-1].Path))
		}
		if err := e.check(); err != nil {
			return unfit("%q: %v", clip(e.Path), err)
		}
		if dir := path.Dir(e.Path); dir != "." && known.kind(dir) != Folder {
			return unfit("%q lies in %q, which is not a folder of the tree", clip(e.Path), clip(dir))
		}
		key := fold(e.Path)
		if other, taken := folded[key]; taken {
			return unfit("%q and %q are one name on disks that ignore case", clip(other), clip(e.Path))
		}
		folded[key], known.at[e.Path] = e.Path, n
		if total += e.Length; total > MaxTotal {
			return unfit("more than %d bytes in all", int64(MaxTotal))
		}
		if encoded += e.encodedLength(); encoded > MaxManifest {
			return unfit("a manifest of more than %d bytes", MaxManifest)
		}
	}
	return known.checkLinks()
}

func (e Entry) check() error {
	if err := checkPath(e.Path); err != nil {
		return err
	}
	want := Entry{Path: e.Path, Kind: e.Kind}
	needed := fs.FileMode(0)
	switch e.Kind {
	case File:
		want.Mode, want.Length, want.SHA256 = e.Mode, e.Length, e.SHA256
		needed = 0o400
		if e.Length < 0 || e.Length > MaxFile {
			return fmt.Errorf("a file of %d bytes: at most %d", e.Length, int64(MaxFile))
		}
		if e.Length == 0 && e.SHA256 != empty {
			return fmt.Errorf("an empty file with the SHA-256 of another")
		}
	case Folder:
		want.Mode = e.Mode
		needed = 0o700
	case Link:
		want.Target = e.Target
		if err := checkTarget(e.Target); err != nil {
			return err
		}
	default:
		return fmt.Errorf("an entry of no known kind")
	}
	if e != want {
		return fmt.Errorf("it has fields that its kind does not have")
	}
	if e.Mode&^0o777 != 0 || e.Mode&needed != needed {
		return fmt.Errorf("permissions %v: within 0777, and its owner needs %03o", e.Mode, uint32(needed))
	}
	return nil
}

// encodedLength is the length of the entry's line.
func (e Entry) encodedLength() int {
	switch e.Kind {
	case File:
		return len("f\t000\t\t\t\n") + len(strconv.FormatInt(e.Length, 10)) + 2*len(e.SHA256) + len(e.Path)
	case Folder:
		return len("d\t000\t\n") + len(e.Path)
	default:
		return len("l\t\t\n") + len(e.Target) + len(e.Path)
	}
}
