package tree

import (
	"bytes"
	"slices"
	"testing"
)

func entriesOf(items []item) []Entry {
	entries := make([]Entry, len(items))
	for n, i := range items {
		entries[n] = i.Entry
	}
	return entries
}

// A tree of thousands of files that stays the same costs a few bytes, not a hash for each.
func TestHeadIsSmall(t *testing.T) {
	var entries []Entry
	for n := range 5000 {
		sum := Digest{byte(n), byte(n >> 8)}
		entries = append(entries, Entry{Path: sum.String(), Kind: File, Mode: 0o644, Length: 1, SHA256: sum})
	}
	old, err := New(entries)
	if err != nil {
		t.Fatal(err)
	}
	entries[17].SHA256 = Digest{1, 2, 3}
	new, err := New(entries)
	if err != nil {
		t.Fatal(err)
	}
	items := match(old, new)
	head := encodeHead(old, items)
	if len(head) > 64 {
		t.Errorf("%d bytes", len(head))
	}
	back, err := decodeHead(head, old)
	if err != nil || !slices.Equal(back, items) {
		t.Errorf("%v: %d entries", err, len(back))
	}
}

// FuzzHead holds whatever a head makes to the rules of a manifest, as Apply does before it compares the digest: what passes
// must be written and read again as it is, so that a digest stands for one tree only.
func FuzzHead(f *testing.F) {
	digest := Digest{1}
	old, err := New([]Entry{
		{Path: "a", Kind: Folder, Mode: listedMode},
		{Path: "a/b", Kind: File, Mode: listedMode, Length: 3, SHA256: digest},
		{Path: "c", Kind: File, Mode: listedMode, SHA256: empty},
	})
	if err != nil {
		f.Fatal(err)
	}
	start := string(base(old))
	f.Add([]byte(start + number(3) + op(opKeep, 3) + modes(3, 0o755)))
	f.Add([]byte(start + number(3) + op(opKeep, 1) + op(opChange, 0) + content("x") + op(opLink, 0) + newPath("l") + text("a/b") + modes(2, 0o755)))
	f.Add([]byte(start + number(2) + op(opFolder, 0) + newPath("d") + op(opFile, 0) + number(1) + text("/f") + number(2) + modes(1, 0o755) + modes(1, 0o644)))
	f.Add([]byte(start + number(1) + op(opSkip, 1) + op(opLink, 0) + newPath("l") + text("../x")))
	f.Fuzz(func(t *testing.T, head []byte) {
		items, err := decodeHead(head, old)
		if err != nil {
			return
		}
		entries := entriesOf(items)
		if check(entries) != nil {
			return
		}
		m := Manifest{entries}
		back, err := Parse(m.Encode())
		if err != nil || !slices.Equal(back.entries, entries) {
			t.Fatalf("passed the check, but %v:\n%s", err, m.Encode())
		}
		again, err := decodeHead(encodeHead(old, items), old)
		if err != nil || !slices.Equal(entriesOf(again), entries) || !bytes.Equal((Manifest{entriesOf(again)}).Encode(), m.Encode()) {
			t.Fatalf("written again it becomes %v, %v", again, err)
		}
	})
}
