package delta_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// plain is a codec whose patch is padding and the new file; spoil gives it a fault.
type plain struct {
	name    string
	padding int
	spoil   func(patch []byte)
	fail    error
	diffs   *int
}

func (p plain) Name() string { return p.name }

func (p plain) Diff(_ context.Context, _, new *io.SectionReader, patch io.Writer) error {
	if p.diffs != nil {
		*p.diffs++
	}
	if p.fail != nil {
		return p.fail
	}
	b := make([]byte, p.padding+int(new.Size()))
	if _, err := new.ReadAt(b[p.padding:], 0); err != nil && err != io.EOF {
		return err
	}
	if p.spoil != nil {
		p.spoil(b)
	}
	_, err := patch.Write(b)
	return err
}

func (p plain) Apply(_ context.Context, _ *io.SectionReader, patch io.Reader, _ int64, out io.Writer) error {
	b, err := io.ReadAll(patch)
	if err != nil || len(b) < p.padding {
		return errors.Join(err, errors.New("short"))
	}
	_, err = out.Write(b[p.padding:])
	return err
}

// incompressible makes what the full artifact cannot make smaller.
func incompressible(n int) []byte {
	r := rand.New(rand.NewPCG(8, 8))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func choose(t *testing.T, old, new []byte, o delta.Options) delta.Choice {
	t.Helper()
	c, err := delta.Choose(t.Context(), section(old), section(new), sha256.Sum256(new), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func told(c delta.Choice) string {
	var lines []string
	for _, a := range c.Candidates {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %v %s", a.Codec, a.Bytes, a.Kept, a.Reason)))
	}
	return strings.Join(lines, "\n")
}

func TestChooseTakesTheSmallest(t *testing.T) {
	new := incompressible(1000)
	diffs := 0
	first := plain{name: "first", padding: 9, diffs: &diffs}
	got := choose(t, nil, new, delta.Options{Codecs: []delta.Codec{
		first, plain{name: "second", padding: 3}, plain{name: "third", padding: 4},
		plain{name: "stranger", fail: fmt.Errorf("not a Go program: %w", delta.ErrUnsupported)},
		plain{name: "liar", spoil: func(b []byte) { b[5] ^= 1 }},
		plain{name: "wasteful", padding: 1 << 20},
	}})
	const want = `first 1009 false second is smaller
second 1003 true
third 1004 false not smaller than second
stranger 0 false not a Go program: unsupported operation
liar 1000 false the patch does not give the new file back: SHA-256 is`
	if got.Codec != "second" || len(got.Patch) != 1003 || got.Reason != "" || !strings.HasPrefix(told(got), want) {
		t.Errorf("chose %s of %d bytes\n%s", got.Codec, len(got.Patch), told(got))
	}
	for i, want := range []error{nil, nil, nil, delta.ErrUnsupported, delta.ErrUnproven, delta.ErrUnsupported, nil} {
		if err := got.Candidates[i].Err; !errors.Is(err, want) {
			t.Errorf("%s: %v", got.Candidates[i].Codec, err)
		}
	}
	if last := got.Candidates[6]; last.Codec != delta.Full || last.Bytes <= 1003 || last.Kept {
		t.Errorf("the full file: %+v", last)
	}
}

func TestChooseTakesTheFullFile(t *testing.T) {
	new := bytes.Repeat([]byte("the same again "), 1000)
	got := choose(t, nil, new, delta.Options{Codecs: []delta.Codec{plain{name: "only"}}})
	if got.Codec != delta.Full || !strings.Contains(got.Reason, "no patch is smaller") || got.Candidates[0].Reason != "full is smaller" {
		t.Fatalf("chose %s: %s\n%s", got.Codec, got.Reason, told(got))
	}
	var out bytes.Buffer
	if err := zstd.Decompress(t.Context(), bytes.NewReader(got.Patch), int64(len(new)), &out); err != nil || !bytes.Equal(out.Bytes(), new) {
		t.Errorf("what is to be shipped does not unpack: %v", err)
	}
	if info, err := delta.Inspect(bytes.NewReader(got.Patch)); err != nil || info.Codec != delta.Full || info.Size != int64(len(new)) {
		t.Errorf("it says %+v, %v", info, err)
	}
	// Where its length is known it is not made again, and there is no need to return it.
	got = choose(t, nil, new, delta.Options{Codecs: []delta.Codec{plain{name: "only"}}, Full: int64(len(new))})
	if got.Codec != delta.Full || got.Patch != nil || told(got) != "only 15000 false not smaller than the full file" {
		t.Errorf("chose %s of %d bytes\n%s", got.Codec, len(got.Patch), told(got))
	}
}

func TestChooseWithWhatShips(t *testing.T) {
	old := program(1, 60_000)
	new := edited(old, 2)
	var stages []string
	got := choose(t, old, new, delta.Options{Progress: func(p delta.Progress) {
		if s := p.Codec + " " + string(p.Stage); len(stages) == 0 || stages[len(stages)-1] != s {
			stages = append(stages, s)
		}
		if p.Done > p.Total {
			t.Errorf("%d of %d bytes", p.Done, p.Total)
		}
	}})
	codec, ok := delta.ByName(got.Codec)
	if !ok || len(got.Candidates) != len(delta.Codecs())+1 {
		t.Fatalf("chose %s\n%s", got.Codec, told(got))
	}
	var out bytes.Buffer
	if err := codec.Apply(t.Context(), section(old), bytes.NewReader(got.Patch), int64(len(new)), &out); err != nil || !bytes.Equal(out.Bytes(), new) {
		t.Errorf("%v", err)
	}
	if s := strings.Join(stages, ", "); !strings.Contains(s, "zstd making, zstd proving, bsdiff making, bsdiff proving, full making") {
		t.Errorf("stages: %s", s)
	}
}

func TestChooseKnowsGoPrograms(t *testing.T) {
	built := goSamples(t)
	got := choose(t, built[0], built[1], delta.Options{})
	if got.Codec != "goexe" || len(got.Patch)*4 > int(got.Candidates[1].Bytes) {
		t.Errorf("chose %s\n%s", got.Codec, told(got))
	}
	// What is none is refused in so many words, and nothing failed.
	got = choose(t, built[0], program(1, 5000), delta.Options{})
	if a := got.Candidates[0]; a.Codec != "goexe" || !errors.Is(a.Err, delta.ErrUnsupported) || a.Bytes != 0 {
		t.Errorf("%+v", a)
	}
}

// oracle knows the new file, so that its patch is as long as it likes.
type oracle struct {
	new   []byte
	bytes int
}

func (o oracle) Name() string { return "oracle" }

func (o oracle) Diff(_ context.Context, _, _ *io.SectionReader, patch io.Writer) error {
	_, err := patch.Write(make([]byte, o.bytes))
	return err
}

func (o oracle) Apply(_ context.Context, _ *io.SectionReader, _ io.Reader, _ int64, out io.Writer) error {
	_, err := out.Write(o.new)
	return err
}

func TestChoosePassesOverWhatCannotWin(t *testing.T) {
	new := incompressible(10_000)
	zstd, _ := delta.ByName("zstd")
	bsdiff, _ := delta.ByName("bsdiff")
	for name, c := range map[string]struct {
		o    delta.Options
		made bool
	}{
		"a tenth":     {delta.Options{Codecs: []delta.Codec{oracle{new, 1000}, zstd, bsdiff}}, false},
		"more":        {delta.Options{Codecs: []delta.Codec{oracle{new, 1100}, zstd, bsdiff}}, true},
		"all":         {delta.Options{Codecs: []delta.Codec{oracle{new, 1000}, zstd, bsdiff}, All: true}, true},
		"not proven":  {delta.Options{Codecs: []delta.Codec{oracle{new[1:], 1000}, zstd, bsdiff}}, true},
		"no zstd":     {delta.Options{Codecs: []delta.Codec{oracle{new, 1000}, bsdiff}}, true},
		"only bsdiff": {delta.Options{Codecs: []delta.Codec{bsdiff}}, true},
	} {
		got := choose(t, nil, new, c.o)
		last := got.Candidates[len(c.o.Codecs)-1]
		if last.Codec != "bsdiff" || last.Bytes > 0 != c.made || last.Err != nil || c.made == strings.HasPrefix(last.Reason, "not tried: ") {
			t.Errorf("%s:\n%s", name, told(got))
		}
	}
}

func TestChooseUsesAnEarlierPatch(t *testing.T) {
	new := incompressible(1000)
	for name, c := range map[string]struct {
		left  []byte
		diffs int
	}{
		"good":     {new, 0},
		"damaged":  {new[1:], 1},
		"too long": {make([]byte, 1<<20), 1},
		"none":     {nil, 1},
	} {
		diffs := 0
		got := choose(t, nil, new, delta.Options{Codecs: []delta.Codec{plain{name: "only", diffs: &diffs}}, Earlier: func(codec string) (io.ReadCloser, error) {
			if c.left == nil || codec != "only" {
				return nil, errors.New("there is none")
			}
			return io.NopCloser(bytes.NewReader(c.left)), nil
		}})
		if got.Codec != "only" || !bytes.Equal(got.Patch, new) || diffs != c.diffs {
			t.Errorf("%s: chose %s after %d diffs", name, got.Codec, diffs)
		}
	}
}

func TestChooseStops(t *testing.T) {
	new := incompressible(1000)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := delta.Choose(ctx, section(nil), section(new), sha256.Sum256(new), delta.Options{Progress: func(p delta.Progress) {
		if p.Stage == delta.Proving {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := delta.Make(ctx, delta.Codecs()[0], section(nil), section(new), sha256.Sum256(new), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	// The file that is read is not the one that was hashed.
	_, err = delta.Choose(t.Context(), section(nil), section(new), sha256.Sum256(new[1:]), delta.Options{})
	if !errors.Is(err, delta.ErrUnproven) {
		t.Errorf("a file that changed: %v", err)
	}
	broken := io.NewSectionReader(failing{}, 0, 1000)
	if _, err := delta.Choose(t.Context(), section(nil), broken, sha256.Sum256(new), delta.Options{}); !errors.Is(err, errDisk) {
		t.Errorf("a disk that fails: %v", err)
	}
}

func TestMake(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		patch, err := delta.Make(t.Context(), c, section(old), section(new), sha256.Sum256(new), nil)
		if err != nil {
			t.Fatal(err)
		}
		info, err := delta.Inspect(bytes.NewReader(patch))
		if err != nil || info.Codec != c.Name() || info.Size != int64(len(new)) {
			t.Errorf("the patch says %+v, %v", info, err)
		}
		if from, to := sha256.Sum256(old), sha256.Sum256(new); !bytes.HasPrefix(from[:], info.Old) || !bytes.HasPrefix(to[:], info.New) {
			t.Errorf("the patch is from %x to %x", info.Old, info.New)
		}
		if _, err := delta.Make(t.Context(), c, section(old), section(new), sha256.Sum256(old), nil); !errors.Is(err, delta.ErrUnproven) {
			t.Errorf("another hash: %v", err)
		}
	})
}
