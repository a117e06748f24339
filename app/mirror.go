package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tesseract-desktop/tesseract/app/passing"
	"github.com/tesseract-desktop/tesseract/app/window"
)

// What Session does so that two processes' pages hold the same state. The pages understand each other; here items are only carried.

// mirrorItem is one thing that a page tells the other.
type mirrorItem struct {
	N    uint64 `json:"n"` // from 1 on
	Item string `json:"item"`
}

// crossStep is what the page is to do next while its window takes another's place or gives up its own: see CrossStep in bridge/platform.ts.
type crossStep struct {
	Step string `json:"step"`
	ID   string `json:"id"`
	Data string `json:"data"`
}

// Mirror takes item n of what the page tells the other process's.
func (s *Session) Mirror(n uint64, item string) {
	if err := s.sequence.Take(n, item); err != nil {
		s.emit(eventCross, crossStep{Step: "alone"})
	}
}

// Answer takes the page's answer to the step with that id. One that begins with "!" says why the step failed.
func (s *Session) Answer(id, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting, found := s.asked[id]; found {
		delete(s.asked, id)
		waiting <- text
	}
}

// say passes on what the page said.
func (s *Session) say(n uint64, item string) {
	body, err := json.Marshal(mirrorItem{n, item})
	if p := s.passage.Load(); err == nil && p != nil {
		err = p.Item(body)
	}
	if errors.Is(err, passing.ErrBroken) && s.passage.Swap(nil) != nil {
		s.emit(eventCross, crossStep{Step: "alone"})
	}
}

// hear gives the page what the other one said, once it can do something with it.
func (s *Session) hear(item json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listens {
		s.unheard = append(s.unheard, item)
		return
	}
	s.emit(eventMirror, item)
}

// passTo says where to pass what the page says.
func (s *Session) passTo(p *passing.Passage) { s.passage.Store(p) }

// stream makes the page record its state, and from that moment on tell the other process's page of every change.
func (s *Session) stream(ctx context.Context) error {
	s.sequence.Restart()
	id := rand.Text()
	recorded := s.snapshots.expect(id)
	defer s.snapshots.forget(id)
	failed := s.expect(id)
	s.emit(eventCross, crossStep{Step: "stream", ID: id})
	select {
	case err := <-recorded:
		return err
	case why := <-failed.text:
		return fmt.Errorf("the page failed: %s", strings.TrimPrefix(why, "!"))
	case <-ctx.Done():
		return fmt.Errorf("the page did not answer: %w", context.Cause(ctx))
	}
}

// probe makes the page answer the next key F19.
func (s *Session) probe(ctx context.Context) (behindKeys answer, err error) {
	id := rand.Text()
	behindKeys, ready := s.expect(id), s.expect(id+"/ready")
	s.emit(eventCross, crossStep{Step: "probe", ID: id})
	_, err = ready.wait(ctx)
	return behindKeys, err
}

// hush makes the page save and record nothing more, and answer the next key F19 with its last moment.
func (s *Session) hush(ctx context.Context) (last answer, err error) {
	id := rand.Text()
	last = s.expect(id + "/last")
	_, err = s.ask(ctx, "hush", id, "")
	return last, err
}

// stay makes the page go on as if no other process had been there.
func (s *Session) stay() { s.emit(eventCross, crossStep{Step: "stay"}) }

// take makes the page show the last moment of the other one, and returns when it has been painted.
func (s *Session) take(ctx context.Context, last string) error {
	s.sequence.Restart()
	_, err := s.ask(ctx, "take", rand.Text(), last)
	return err
}

// settled is the page's answer when it has carried out everything that the other one said.
type settled struct {
	Intact bool         `json:"intact"` // nothing was missed since the two were the same
	Window window.Frame `json:"window"`
}

func (s *Session) settle(ctx context.Context) (settled, error) {
	var state settled
	text, err := s.ask(ctx, "settle", rand.Text(), "")
	if err == nil {
		err = json.Unmarshal([]byte(text), &state)
	}
	return state, err
}

// answer is one that the page will give.
type answer struct{ text <-chan string }

func (s *Session) expect(id string) answer {
	text := make(chan string, 1)
	s.mu.Lock()
	s.asked[id] = text
	s.mu.Unlock()
	return answer{text}
}

func (a answer) wait(ctx context.Context) (string, error) {
	select {
	case text := <-a.text:
		if why, failed := strings.CutPrefix(text, "!"); failed {
			return "", fmt.Errorf("the page failed: %s", why)
		}
		return text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("the page did not answer: %w", context.Cause(ctx))
	}
}

func (s *Session) ask(ctx context.Context, step, id, data string) (string, error) {
	given := s.expect(id)
	defer func() {
		s.mu.Lock()
		delete(s.asked, id)
		s.mu.Unlock()
	}()
	s.emit(eventCross, crossStep{Step: step, ID: id, Data: data})
	return given.wait(ctx)
}
