package repository_test

import (
	"context"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// Changes come from other machines: whatever they say, reading one ends, and what was read can be written and read
// again.
func FuzzDecodePending(f *testing.F) {
	keys := newRing(f, allRoles...)
	r, _, _ := create(f, keys.keys)
	nobody := only(keys.keys)
	if _, err := r.Add(context.Background(), rel(f, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		f.Fatal(err)
	}
	for _, err := range []error{
		r.SetFloor(context.Background(), app, version(f, "1.0.0"), nobody),
		r.AddApp(context.Background(), "maps", newRing(f, "maps-releases", "maps-rollout").keys),
		r.Rekey(context.Background(), []repository.Rekey{{Role: "root", Threshold: 1}}, nobody),
	} {
		f.Add([]byte(encode(f, pendingOf(f, err))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := repository.DecodePending(data)
		if err != nil {
			return
		}
		_ = p.Words()
		_ = p.Lacks()
		again, err := repository.DecodePending([]byte(encode(t, p)))
		if err != nil || encode(t, again) != encode(t, p) {
			t.Errorf("written, it is another one: %v", err)
		}
	})
}
