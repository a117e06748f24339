//go:build linux

package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// A Snapshot is a recorded state of the user interface, as tesseract --print-snapshot prints it.
type Snapshot struct {
	App    string                     `json:"app"` // the version that recorded it
	At     time.Time                  `json:"at"`
	Fields map[string]json.RawMessage `json:"fields"`
}

// Snapshot is the newest one.
func (s *Stage) Snapshot(ctx context.Context) (snapshot Snapshot, err error) {
	out, err := desktop.Run(ctx, s.env(), nil, s.Executable(), "--print-snapshot")
	if err != nil {
		return snapshot, err
	}
	return snapshot, json.Unmarshal(out, &snapshot)
}

// SnapshotWhenPutAway waits for one that was recorded after a time and knows that the window is
// minimised.
func (s *Stage) SnapshotWhenPutAway(ctx context.Context, since time.Time) (snapshot Snapshot, err error) {
	err = await.Until(ctx, settled, "the state to be recorded", func() error {
		if snapshot, err = s.Snapshot(ctx); err != nil {
			return err
		}
		if snapshot.At.Before(since.Truncate(time.Millisecond)) {
			return fmt.Errorf("the newest was recorded %s before", since.Sub(snapshot.At))
		}
		if !snapshot.holds("minimised", "true") {
			return errors.New("it says that the window is on the screen")
		}
		return nil
	})
	return snapshot, err
}

// recorded waits until the app has recorded something.
func (w *Work) recorded(ctx context.Context, what string, is func(Snapshot) bool) error {
	return await.Until(ctx, settled, what+" to be recorded", func() error {
		snapshot, err := w.app.stage.Snapshot(ctx)
		if err != nil {
			return err
		}
		if !is(snapshot) {
			return errors.New("it is not")
		}
		return nil
	})
}

// holds tells whether the text is somewhere in a field.
func (s Snapshot) holds(field, text string) bool {
	return strings.Contains(string(s.Fields[field]), text)
}

// differ returns the names of the fields that are not the same in both.
func (s Snapshot) differ(other Snapshot) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		if !bytes.Equal(s.Fields[name], other.Fields[name]) {
			names = append(names, name)
		}
	}
	return names
}
