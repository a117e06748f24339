package install

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/zeebo/blake3"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// fingerprints are the BLAKE3 hashes of artifacts whose SHA-256 was computed here, from the same bytes. SHA-256 is
// what is signed; BLAKE3 takes a fraction of the time to find out, at every start and in every restart, that the
// files are still the same.
type fingerprints map[release.Digest]release.Digest // by SHA-256

// measure computes a file's length and SHA-256.
func measure(root *os.Root, name string) (Artifact, error) {
	sum := sha256.New()
	length, err := digest(root, name, sum)
	return Artifact{Length: length, SHA256: release.Digest(sum.Sum(nil))}, err
}

// take measures a file and remembers its BLAKE3 hash.
func (f fingerprints) take(root *os.Root, name string) (Artifact, error) {
	sum, quick := sha256.New(), blake3.New()
	length, err := digest(root, name, sum, quick)
	if err != nil {
		return Artifact{}, err
	}
	got := Artifact{Length: length, SHA256: release.Digest(sum.Sum(nil))}
	f[got.SHA256] = release.Digest(quick.Sum(nil))
	return got, nil
}

// recognise is measure, quicker for a file that is one of those known.
func (f fingerprints) recognise(root *os.Root, name string) (Artifact, error) {
	if len(f) == 0 {
		return measure(root, name)
	}
	quick := blake3.New()
	length, err := digest(root, name, quick)
	if err != nil {
		return Artifact{}, err
	}
	for sha, known := range f {
		if release.Digest(quick.Sum(nil)) == known {
			return Artifact{Length: length, SHA256: sha}, nil
		}
	}
	return measure(root, name)
}

// recognise measures what has a name beside the target, a file or a tree as the target is.
func (i *Install) recognise(known fingerprints, name string) (Artifact, error) {
	if i.tree() {
		return i.scan(name)
	}
	return known.recognise(i.folder, name)
}

// take is recognise for what is new, and is to be known from now on.
func (i *Install) take(known fingerprints, name string) (Artifact, error) {
	if i.tree() {
		return i.scan(name)
	}
	return known.take(i.folder, name)
}

// of keeps the fingerprints of those artifacts alone.
func (f fingerprints) of(pairs ...*pair) fingerprints {
	kept := fingerprints{}
	for _, p := range pairs {
		if p == nil {
			continue
		}
		for _, a := range []Artifact{p.Old, p.New} {
			if quick, ok := f[a.SHA256]; ok {
				kept[a.SHA256] = quick
			}
		}
	}
	return kept
}

// digest reads a file once for all of the hashes, and returns its length.
func digest(root *os.Root, name string, sums ...hash.Hash) (int64, error) {
	file, err := root.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file", file.Name())
	}
	all := make([]io.Writer, len(sums))
	for n, sum := range sums {
		all[n] = sum
	}
	return io.Copy(io.MultiWriter(all...), file)
}
