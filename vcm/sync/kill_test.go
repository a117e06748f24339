package sync

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// A process that is killed is this test binary, told so by its environment.
const (
	killVariable = "SYNC_TEST_KILL_AT" // which Put or Swap ends the process
	killMode     = "SYNC_TEST_KILL_IN" // "half" of it, or "after" it
	killFeed     = "SYNC_TEST_FEED"
	killPlace    = "SYNC_TEST_PLACE"
)

func TestMain(m *testing.M) {
	at, err := strconv.ParseInt(os.Getenv(killVariable), 10, 64)
	if err != nil {
		os.Exit(m.Run())
	}
	feed, err := os.OpenRoot(os.Getenv(killFeed))
	if err != nil {
		panic(err)
	}
	to, err := NewDir(os.Getenv(killPlace), feed)
	if err != nil {
		panic(err)
	}
	p := &deadly{Place: to, half: os.Getenv(killMode) == "half"}
	p.left.Store(at)
	if _, err := Bring(context.Background(), feed, p, Options{Parallel: 2}); err != nil {
		panic(err)
	}
}

// deadly is a place at which the process dies.
type deadly struct {
	Place
	left atomic.Int64
	half bool
}

func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

func (d *deadly) Put(ctx context.Context, f File, content *io.SectionReader) error {
	due := d.left.Add(-1) == 0
	if due && d.half {
		content = io.NewSectionReader(&trap{content, f.Length / 2}, 0, f.Length)
	}
	err := d.Place.Put(ctx, f, content)
	if due {
		die()
	}
	return err
}

func (d *deadly) Swap(ctx context.Context, name string, old, new []byte) error {
	due := d.left.Add(-1) == 0
	if due && d.half {
		die()
	}
	err := d.Place.Swap(ctx, name, old, new)
	if due {
		die()
	}
	return err
}

// trap is a content that is read to a point.
type trap struct {
	io.ReaderAt
	at int64
}

func (r *trap) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.at {
		die()
	}
	return r.ReaderAt.ReadAt(p[:min(int64(len(p)), r.at-off)], off)
}

// A run that is killed, wherever, leaves a whole feed, the one of before or the
// one of now; the next run ends right.
func TestKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := newSample(t, "ours")
	s.publish("1.0.0")
	base := filepath.Join(t.TempDir(), "base")
	to, err := NewDir(base, s.root)
	if err != nil {
		t.Fatal(err)
	}
	mustBring(t, s, to, Options{})
	s.publish("1.1.0")
	s.publish("1.2.0")
	s.document("root", "root", map[string]any{"name": "ours, later"})
	steps := len(mustBring(t, s, to, Options{DryRun: true}).Sent)
	if steps < 6 {
		t.Fatalf("only %d steps", steps)
	}
	for _, from := range []string{"nothing", "an older feed"} {
		for _, mode := range []string{"half", "after"} {
			for at := 1; at <= steps; at++ {
				t.Run(fmt.Sprint(from, " ", mode, " ", at), func(t *testing.T) {
					t.Parallel()
					place := filepath.Join(t.TempDir(), "place")
					old := int64(0)
					if from != "nothing" {
						if err := os.CopyFS(place, os.DirFS(base)); err != nil {
							t.Fatal(err)
						}
						old = s.versions["timestamp"] - 2
					}
					to, err := NewDir(place, s.root)
					if err != nil {
						t.Fatal(err)
					}
					cmd := exec.Command(self)
					cmd.Env = append(os.Environ(), killVariable+"="+strconv.Itoa(at), killMode+"="+mode, killFeed+"="+s.dir, killPlace+"="+place)
					if err := cmd.Run(); err == nil {
						t.Fatal("it was to be killed, and ended by itself")
					}
					if got := whole(t, to); got != old && got != s.versions["timestamp"] {
						t.Errorf("clients find timestamp %d", got)
					}
					mustBring(t, s, to, Options{})
				})
			}
		}
	}
}
