//go:build linux && amd64

package disk

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
)

// may lists every content that the file called name may have, "-" for none, if the power fails after one of the calls. That everything may be
// as before goes without saying.
func may(t *testing.T, name string, sequence ...calls.Call) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Read(dir, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range sequence {
		if err := d.Apply(&c); err != nil {
			t.Fatal(err)
		}
		err := d.Images(func(i *Image) error {
			to := t.TempDir()
			if err := i.Write(to); err != nil {
				return err
			}
			b, err := os.ReadFile(filepath.Join(to, name))
			if err != nil {
				b = []byte("-")
			}
			seen[string(b)] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for s := range seen {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

func create(name string) calls.Call {
	return calls.Call{Kind: calls.Open, Path: name, Flags: unix.O_CREAT, Mode: 0o600}
}

func write(name, what string) calls.Call {
	return calls.Call{Kind: calls.Write, Path: name, Data: []byte(what), Result: int64(len(what))}
}

func sync(name string) calls.Call { return calls.Call{Kind: calls.Sync, Path: name} }

func rename(from, to string, flags int) calls.Call {
	return calls.Call{Kind: calls.Rename, Path: from, To: to, Flags: flags}
}

func TestWhatAPowerCutLeaves(t *testing.T) {
	for _, c := range []struct {
		name     string
		file     string
		sequence []calls.Call
		want     []string
	}{
		{"written in place", "file", []calls.Call{write("file", "new")}, []string{"new"}},
		{"longer, written in place", "file", []calls.Call{write("file", "newer")}, []string{"newer", "old\x00\x00"}},
		{
			"replaced without a sync", "file",
			[]calls.Call{create("temp"), write("temp", "new"), rename("temp", "file", 0)},
			[]string{"", "\x00\x00\x00", "new", "old"},
		},
		{
			"replaced as it should be", "file",
			[]calls.Call{create("temp"), write("temp", "new"), sync("temp"), rename("temp", "file", 0), sync(".")},
			[]string{"new", "old"},
		},
		{
			"removed", "file", []calls.Call{{Kind: calls.Unlink, Path: "file"}, sync(".")},
			[]string{"-"},
		},
		{
			"a new folder that is not synced", "sub/file",
			[]calls.Call{{Kind: calls.Mkdir, Path: "sub", Mode: 0o700}, sync("."), rename("file", "sub/file", 0)},
			[]string{"-", "old"},
		},
		{
			"a second name", "twin", []calls.Call{{Kind: calls.Link, Path: "file", To: "twin"}, {Kind: calls.Truncate, Path: "file"}},
			[]string{"", "-", "old"},
		},
		{
			"exchanged", "file",
			[]calls.Call{create("temp"), write("temp", "new"), sync("temp"), sync("."), rename("temp", "file", unix.RENAME_EXCHANGE)},
			[]string{"new", "old"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := may(t, c.file, c.sequence...); !slices.Equal(got, c.want) {
				t.Errorf("it may be %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheModelIsHeldToTheDisk(t *testing.T) {
	dir := t.TempDir()
	none := func(string) bool { return false }
	d, err := Read(dir, none)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if d.Differs(dir, none) == nil {
		t.Error("a file that the model does not have is not seen")
	}
	for _, c := range []calls.Call{create("file"), write("file", "y")} {
		if err := d.Apply(&c); err != nil {
			t.Fatal(err)
		}
	}
	if d.Differs(dir, none) == nil {
		t.Error("another content is not seen")
	}
	same := write("file", "x")
	if err := d.Apply(&same); err != nil {
		t.Fatal(err)
	}
	if err := d.Differs(dir, none); err != nil {
		t.Error(err)
	}
	missing := write("nothing", "x")
	if d.Apply(&missing) == nil {
		t.Error("wrote to a file that is not there")
	}
}
