package tree_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

// node is one thing to put into a tree: a file, a link when it has a target, a folder when it has neither.
type node struct {
	path    string
	mode    fs.FileMode
	content []byte
	target  string
}

func dir(path string) node                 { return node{path: path, mode: 0o755} }
func file(path, content string) node       { return node{path: path, mode: 0o644, content: []byte(content)} }
func exe(path string, content []byte) node { return node{path: path, mode: 0o755, content: content} }
func link(path, target string) node        { return node{path: path, target: target} }

// plant makes a folder of the nodes, which come in order.
func plant(t testing.TB, nodes ...node) *os.Root {
	t.Helper()
	return plantIn(t, t.TempDir(), nodes...)
}

func plantIn(t testing.TB, where string, nodes ...node) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	for _, n := range nodes {
		path := filepath.Join(where, n.path)
		var err error
		switch {
		case n.target != "":
			err = os.Symlink(n.target, path)
		case n.content == nil:
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, n.content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if nodes[i].target == "" {
			if err := os.Chmod(filepath.Join(where, nodes[i].path), nodes[i].mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// bytesOf makes something that compresses as programs do.
func bytesOf(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	var b []byte
	for len(b) < size {
		word := r.IntN(200)
		for range 4 + word%9 {
			b = append(b, byte(word*31), byte(word>>2))
		}
		b = append(b, byte(len(b)), byte(len(b)>>8), byte(len(b)>>16), 0)
	}
	return b[:size]
}

// edited changes a few places.
func edited(old []byte) []byte {
	b := bytes.Clone(old)
	for n := 1; n < 5; n++ {
		at := n * len(b) / 6
		b = append(b[:at], append([]byte("something new"), b[at+n:]...)...)
	}
	return b
}

func sum(b []byte) tree.Digest { return sha256.Sum256(b) }

func scan(t testing.TB, root *os.Root) tree.Manifest {
	t.Helper()
	m, err := tree.Scan(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func diff(t testing.TB, old, new *os.Root) ([]byte, tree.Manifest) {
	t.Helper()
	var patch bytes.Buffer
	m, err := tree.Diff(t.Context(), old, new, delta.Codecs(), &patch, nil)
	if err != nil {
		t.Fatal(err)
	}
	return patch.Bytes(), m
}
