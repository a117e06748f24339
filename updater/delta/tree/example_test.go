package tree_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

func Example() {
	where, err := os.MkdirTemp("", "tree")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(where)
	old := exampleTree(where, "old", "notes 1.0.0")
	new := exampleTree(where, "new", "notes 1.1.0")
	out := exampleTree(where, "out", "")

	// The publisher makes the patch and signs the digest.
	var patch bytes.Buffer
	manifest, err := tree.Diff(context.Background(), old, new, delta.Codecs(), &patch, nil)
	if err != nil {
		panic(err)
	}
	signed := manifest.Digest()

	// The client builds the new tree beside the old one. It syncs and moves it into place later.
	built, err := tree.Apply(context.Background(), old, &patch, signed, out)
	if err != nil {
		panic(err) // delta.ErrCorrupt or tree.ErrChanged: fetch the full artifact
	}
	for _, e := range built.Entries() {
		fmt.Println(e.Path, e.Length)
	}
	version, err := out.ReadFile("version")
	fmt.Printf("%s %v\n", version, err)
	// Output:
	// licence 4
	// version 11
	// notes 1.1.0 <nil>
}

// exampleTree makes a tree of two files, or none.
func exampleTree(where, name, version string) *os.Root {
	dir := filepath.Join(where, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		panic(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		panic(err)
	}
	if version == "" {
		return root
	}
	for file, content := range map[string]string{"version": version, "licence": "free"} {
		if err := root.WriteFile(file, []byte(content), 0o644); err != nil {
			panic(err)
		}
	}
	return root
}
