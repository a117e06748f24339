package sync

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// noting is a place that keeps the order in which metadata came.
type noting struct {
	Place
	names []string
}

func (n *noting) Put(ctx context.Context, f File, content *io.SectionReader) error {
	if strings.HasPrefix(f.Name, "metadata/") {
		n.names = append(n.names, f.Name)
	}
	return n.Place.Put(ctx, f, content)
}

func (n *noting) Swap(ctx context.Context, name string, old, new []byte) error {
	n.names = append(n.names, name)
	return n.Place.Swap(ctx, name, old, new)
}

// The first root is there before the timestamp; a later one follows the
// timestamp that both keys have signed.
func TestLaterRootsFollowTheTimestamp(t *testing.T) {
	s := newSample(t, "a")
	dir, err := NewDir(t.TempDir(), s.root)
	if err != nil {
		t.Fatal(err)
	}
	place := &noting{Place: dir}
	bringing := func() []string {
		t.Helper()
		place.names = nil
		if _, err := Bring(t.Context(), s.root, place, Options{}); err != nil {
			t.Fatal(err)
		}
		return place.names
	}
	if got := bringing(); !slices.Contains(got, rootName(1)) || got[len(got)-1] != vcm.TimestampFile {
		t.Errorf("the first time: %v", got)
	}
	s.document("root", "root", map[string]any{"name": "a"})
	s.commit()
	if got, want := bringing(), []string{"metadata/2.snapshot.json", vcm.TimestampFile, rootName(2)}; !slices.Equal(got, want) {
		t.Errorf("after a rotation: %v, want %v", got, want)
	}
	if got := bringing(); len(got) != 0 {
		t.Errorf("and again: %v", got)
	}
}
