package passing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/passing"
	"github.com/tesseract-desktop/tesseract/app/window"
	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// end is one end of a wire in memory. What the handover guarantees it guarantees, too: order, and a closed channel at the end.
type end struct {
	out chan<- handover.Message
	in  <-chan handover.Message
}

func (e end) Send(ctx context.Context, kind string, data json.RawMessage) error {
	select {
	case e.out <- handover.Message{Kind: kind, Data: data}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e end) Messages() <-chan handover.Message { return e.in }

func wire() (incumbent, successor end, cut func()) {
	there, back := make(chan handover.Message), make(chan handover.Message)
	return end{there, back}, end{back, there}, func() { close(back) }
}

func options(items chan<- string, frames chan<- window.Frame) passing.Options {
	return passing.Options{
		Item:  func(item json.RawMessage) { items <- string(item) },
		Frame: func(f window.Frame) { frames <- f },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func TestWhatIsSentArrivesInOrder(t *testing.T) {
	a, b, _ := wire()
	items, frames := make(chan string, 4), make(chan window.Frame, 4)
	incumbent := passing.Open(t.Context(), a, options(items, frames))
	successor := passing.Open(t.Context(), b, options(items, frames))

	frame := window.Frame{X: 3, Width: 800, Height: 600, Visible: true}
	must(t, incumbent.Meet(passing.Meeting{Beneath: true, Frame: frame}))
	met, err := successor.Meeting(t.Context())
	must(t, err)
	if want := (passing.Meeting{Version: passing.Version, Beneath: true, Frame: frame}); met != want {
		t.Errorf("met %+v, want %+v", met, want)
	}
	must(t, successor.There())
	must(t, incumbent.AwaitThere(t.Context()))

	must(t, incumbent.Item(json.RawMessage(`"one"`)))
	must(t, incumbent.Move(window.Frame{X: 4}))
	const keys = 5000
	for i := range keys {
		must(t, incumbent.Input(window.Input{Key: window.Key{Value: uint32(i), Press: true}}))
	}
	must(t, incumbent.Input(window.Input{End: true}))
	got, err := successor.Keys(t.Context())
	must(t, err)
	if len(got) != keys {
		t.Fatalf("%d keys arrived of %d", len(got), keys)
	}
	for i, key := range got {
		if key != (window.Key{Value: uint32(i), Press: true}) {
			t.Fatalf("key %d is %+v", i, key)
		}
	}
	if item := <-items; item != `"one"` {
		t.Errorf("item %s", item)
	}
	if f := <-frames; f.X != 4 {
		t.Errorf("frame %+v", f)
	}
	must(t, successor.Item(json.RawMessage(`"back"`)))
	if item := <-items; item != `"back"` {
		t.Errorf("item %s", item)
	}
}

func TestWhoeverWaitsHearsOfTheEnd(t *testing.T) {
	a, _, cut := wire()
	p := passing.Open(t.Context(), a, options(nil, nil))
	cut()
	<-p.Broken()
	_, meeting := p.Meeting(t.Context())
	_, keys := p.Keys(t.Context())
	for _, err := range []error{meeting, keys, p.AwaitThere(t.Context()), p.There()} {
		if !errors.Is(err, passing.ErrBroken) {
			t.Errorf("%v, want %v", err, passing.ErrBroken)
		}
	}
}

// The other side may be another version, or gone mad. It ends the passage and nothing else.
func TestNonsenseEndsThePassage(t *testing.T) {
	for name, said := range map[string][]handover.Message{
		"a meeting that is none": {{Kind: "meeting", Data: json.RawMessage(`[]`)}},
		"two meetings":           {{Kind: "meeting", Data: json.RawMessage(`{}`)}, {Kind: "meeting", Data: json.RawMessage(`{}`)}},
		"a key that is none":     {{Kind: "key", Data: json.RawMessage(`{"value":-1}`)}},
		"a key after the end":    {{Kind: "end", Data: json.RawMessage(`{}`)}, {Kind: "key", Data: json.RawMessage(`{}`)}},
		"a frame that is none":   {{Kind: "frame", Data: json.RawMessage(`"`)}},
		"no JSON":                {{Kind: "end"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := make(chan handover.Message, len(said))
			p := passing.Open(t.Context(), end{in: in}, options(nil, nil))
			for _, m := range said {
				in <- m
			}
			<-p.Broken()
		})
	}
}

func TestWordsOfANewerVersionAreLeftAlone(t *testing.T) {
	in := make(chan handover.Message, 2)
	p := passing.Open(t.Context(), end{in: in}, options(nil, nil))
	in <- handover.Message{Kind: "gesture", Data: json.RawMessage(`7`)}
	in <- handover.Message{Kind: "there", Data: json.RawMessage(`{}`)}
	must(t, p.AwaitThere(t.Context()))
}

func TestWhatWaitsIsBounded(t *testing.T) {
	nobody := make(chan handover.Message)
	p := passing.Open(t.Context(), end{out: nobody, in: nobody}, options(nil, nil))
	large := json.RawMessage(`"` + strings.Repeat("a", 8<<20) + `"`)
	var err error
	for sent := 0; err == nil && sent < 1<<30; sent += len(large) {
		err = p.Item(large)
	}
	if !errors.Is(err, passing.ErrBroken) {
		t.Errorf("%v, want %v", err, passing.ErrBroken)
	}
}

func TestSequencePutsItemsBackInOrder(t *testing.T) {
	var got []string
	s := passing.NewSequence(func(n uint64, item string) { got = append(got, fmt.Sprint(n, item)) })
	for _, n := range []uint64{2, 3, 1, 1, 5, 4, 2} {
		must(t, s.Take(n, "x"))
	}
	if want := "[1x 2x 3x 4x 5x]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Restart()
	must(t, s.Take(1, "y"))
	if got[len(got)-1] != "1y" {
		t.Errorf("after a restart: %v", got)
	}
	var err error
	for n := uint64(3); err == nil && n < 1<<20; n++ {
		err = s.Take(n, "")
	}
	if !errors.Is(err, passing.ErrGap) {
		t.Errorf("an item that never comes: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
