package goexe_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func diff(t testing.TB, old, new []byte) []byte {
	t.Helper()
	var patch bytes.Buffer
	if err := (goexe.Codec{}).Diff(t.Context(), section(old), section(new), &patch); err != nil {
		t.Fatal(err)
	}
	return patch.Bytes()
}

func apply(t testing.TB, old, patch []byte, size int) ([]byte, error) {
	t.Helper()
	made := bytes.NewBuffer(make([]byte, 0, size))
	err := goexe.Codec{}.Apply(t.Context(), section(old), bytes.NewReader(patch), int64(size), made)
	return made.Bytes(), err
}

func TestEveryTarget(t *testing.T) {
	for _, target := range sample.Targets {
		t.Run(target.String(), func(t *testing.T) {
			old, new := sample.Pair(t, target)
			for _, way := range []struct {
				name     string
				old, new []byte
			}{{"update", old, new}, {"downgrade", new, old}, {"the same again", new, new}} {
				patch := diff(t, way.old, way.new)
				made, err := apply(t, way.old, patch, len(way.new))
				if err != nil || !bytes.Equal(made, way.new) {
					t.Errorf("%s: made %d bytes of %d: %v", way.name, len(made), len(way.new), err)
				}
				t.Logf("%s: %d bytes", way.name, len(patch))
			}
		})
	}
}

func TestWhatItDoesNotUnderstandIsRefused(t *testing.T) {
	program, _ := sample.Pair(t, sample.Linux)
	cases := map[string][]byte{
		"nothing":        nil,
		"text":           bytes.Repeat([]byte("not a program\n"), 1000),
		"a cut program":  program[:len(program)/2],
		"no Go in it":    append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 5000)...),
		"another header": append([]byte("MZ"), program...),
	}
	for name, b := range cases {
		for way, pair := range map[string][2][]byte{"old": {b, program}, "new": {program, b}} {
			err := goexe.Codec{}.Diff(t.Context(), section(pair[0]), section(pair[1]), io.Discard)
			if !errors.Is(err, goexe.ErrUnsupported) {
				t.Errorf("%s as the %s file: %v", name, way, err)
			}
		}
	}
}

func TestProgramsForOtherSystemsAreRefused(t *testing.T) {
	old, _ := sample.Pair(t, sample.Linux)
	for _, target := range []sample.Target{{OS: "windows", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}} {
		_, new := sample.Pair(t, target)
		err := goexe.Codec{}.Diff(t.Context(), section(old), section(new), io.Discard)
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "different systems") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestAnotherOldFileIsRefused(t *testing.T) {
	old, new := sample.Pair(t, sample.Linux)
	patch := diff(t, old, new)
	other := bytes.Clone(old)
	other[len(other)/2] ^= 1
	if _, err := apply(t, other, patch, len(new)); err == nil {
		t.Error("a patch for another file was applied")
	}
	for _, size := range []int{0, len(new) - 1, len(new) + 1, 1 << 30} {
		if made, err := apply(t, old, patch, size); err == nil || len(made) > size {
			t.Errorf("signed size %d: made %d bytes: %v", size, len(made), err)
		}
	}
}

// Damaged patches end in an error or in wrong bytes that the signed hash tells from the right ones; never in a panic, and
// never in more bytes than signed.
func TestMutatedPatches(t *testing.T) {
	old, new := sample.Pair(t, sample.Linux)
	good := diff(t, old, new)
	want := sha256.Sum256(new)
	r := rand.New(rand.NewPCG(3, 5))
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	var refused, wrong, harmless int
	for i := range rounds {
		made, err := apply(t, old, mutate(r, good), len(new))
		switch {
		case len(made) > len(new):
			t.Fatalf("mutation %d made %d bytes of %d", i, len(made), len(new))
		case err != nil:
			refused++
		case sha256.Sum256(made) != want:
			wrong++
		default:
			harmless++
		}
	}
	t.Logf("%d refused, %d wrong results that the hash finds, %d harmless", refused, wrong, harmless)
	if harmless > rounds/20 {
		t.Errorf("%d of %d mutations did nothing: the table is too tame", harmless, rounds)
	}
}

func mutate(r *rand.Rand, good []byte) []byte {
	p := bytes.Clone(good)
	head := 7 + 32 // what stands before the streams would only be refused
	at := head + r.IntN(len(p)-head)
	switch r.IntN(6) {
	case 0:
		p[at] ^= 1 << r.IntN(8)
	case 1:
		p = p[:at]
	case 2:
		for j := at; j < min(at+1+r.IntN(64), len(p)); j++ {
			p[j] = byte(r.Uint32())
		}
	case 3:
		copy(p[at:], bytes.Clone(p[head+r.IntN(len(p)-head):]))
	case 4:
		p = append(p[:at:at], append([]byte{byte(r.Uint32()), byte(r.Uint32())}, p[at:]...)...)
	default:
		p = append(p[:at:at], p[min(at+1+r.IntN(40), len(p)):]...)
	}
	if bytes.Equal(p, good) {
		p[len(p)-1] ^= 0xff
	}
	return p
}
