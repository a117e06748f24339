package install

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// way is every version that a chain leads through, from the old to the new one.
func (s *site) way() [][]byte { return [][]byte{s.old, version("1.0.1"), version("1.0.2"), s.new} }

// chain is the chain whose patches deliverChain brings.
func (s *site) chain() []Step {
	s.Helper()
	var steps []Step
	for n, made := range s.way()[1:] {
		codec, ok := delta.ByName([]string{"bsdiff", "zstd", "bsdiff"}[n])
		if !ok {
			s.Fatal("a codec is missing")
		}
		steps = append(steps, Step{codec, filepath.Join(s.state, "downloads", string(rune('0'+n))), artifact(made)})
	}
	return steps
}

func (s *site) deliverChain(i *Install) {
	s.Helper()
	way := s.way()
	for n, step := range s.chain() {
		var out bytes.Buffer
		s.ok(step.Codec.Diff(s.Context(), section(way[n]), section(way[n+1]), &out))
		s.deliver(i, filepath.Base(step.Patch), out.Bytes())
	}
}

func TestChain(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.deliverChain(i)
	s.ok(i.Chain(t.Context(), s.chain()))
	s.holds(filepath.Join(s.state, "downloads"), "0", "1", "2")
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
	s.ok(i.Confirm())
	s.clean(i, ".app.previous")
}

// Whatever is wrong with whichever patch: nothing is staged, that patch is gone, and nothing that was made on the way is left.
func TestBrokenChain(t *testing.T) {
	for n := range 3 {
		for name, breakIt := range map[string]func(*site, []Step){
			"damaged":              func(s *site, steps []Step) { s.write(steps[n].Patch, []byte("<html>")) },
			"cut off":              func(s *site, steps []Step) { s.ok(os.Truncate(steps[n].Patch, 40)) },
			"makes something else": func(_ *site, steps []Step) { steps[n].Want.SHA256[0]++ },
			"makes more":           func(_ *site, steps []Step) { steps[n].Want.Length-- },
		} {
			t.Run(steps3[n]+" "+name, func(t *testing.T) {
				s := newSite(t)
				i := s.open()
				s.deliverChain(i)
				steps := s.chain()
				breakIt(s, steps)
				s.is(i.Chain(t.Context(), steps), ErrCorrupt)
				left := []string{"0", "1", "2"}
				s.holds(filepath.Join(s.state, "downloads"), append(left[:n:n], left[n+1:]...)...)
				s.holds(s.folder, "app")
				s.is(i.Swap(t.Context()), ErrNotStaged)
				s.runs(s.old)
			})
		}
	}
}

var steps3 = [3]string{"the first", "the second", "the last"}

func TestChainThatCannotBeApplied(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.deliverChain(i)
	if err := i.Chain(t.Context(), nil); err == nil {
		t.Error("applied no patches")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.is(i.Chain(ctx, s.chain()), context.Canceled)
	s.holds(filepath.Join(s.state, "downloads"), "0", "1", "2")
	s.ok(os.Remove(s.chain()[1].Patch))
	s.is(i.Chain(t.Context(), s.chain()), os.ErrNotExist)
	s.holds(filepath.Join(s.state, "downloads"), "0", "2")
	s.holds(s.folder, "app")

	// What a crash left of an artifact on the way is no obstacle.
	s.deliverChain(i)
	left := filepath.Join(s.state, "downloads", s.chain()[0].Want.SHA256.String()+".between")
	s.write(left, []byte("half"))
	s.write(left+unverified, []byte("half"))
	s.ok(i.Chain(t.Context(), s.chain()))
	s.holds(filepath.Join(s.state, "downloads"), "0", "1", "2")
}
