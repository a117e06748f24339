package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// WatchOptions tune Watch; the zero value watches everything below the folder.
type WatchOptions struct {
	// Name, when set, is the one file at the folder's top that matters.
	Name string
	// Settle is how long changes are gathered before they are reported as one; 0 means 150 ms.
	Settle time.Duration
	// Poll is how often to look without having been told: notifications are lost when a folder is removed and
	// made again, on network disks, and when the system's limits are reached. 0 means 30 s.
	Poll time.Duration
}

// Watch calls onChange, from one goroutine, after something below the folder changed, until ctx ends; then the
// returned channel is closed. Hidden names (a dot first) do not count. It is armed when it returns. A change may be
// reported more than once, and as one with others.
func (f *Folder) Watch(ctx context.Context, o WatchOptions, onChange func()) <-chan struct{} {
	if o.Settle <= 0 {
		o.Settle = 150 * time.Millisecond
	}
	if o.Poll <= 0 {
		o.Poll = 30 * time.Second
	}
	w := &watcher{folder: f, o: o, onChange: onChange}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		f.log.Warn("no notifications of changed files: looking from time to time", "folder", f.kind, "every", o.Poll, "err", err)
	} else {
		w.notify = notify
	}
	w.mark = w.survey()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	return done
}

type watcher struct {
	folder   *Folder
	o        WatchOptions
	onChange func()
	notify   *fsnotify.Watcher // nil where the system has none left
	mark     uint64            // sum of names, sizes and times when last looked
}

func (w *watcher) run(ctx context.Context) {
	var events chan fsnotify.Event
	var failures chan error
	if w.notify != nil {
		defer w.notify.Close()
		events, failures = w.notify.Events, w.notify.Errors
	}
	poll := time.NewTicker(w.o.Poll)
	defer poll.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				events = nil
			} else if settled == nil && w.matters(e) {
				settled = time.After(w.o.Settle)
			}
		case err, ok := <-failures:
			if !ok {
				failures = nil
			} else {
				w.folder.log.Debug("watch", "folder", w.folder.kind, "err", err)
				if settled == nil {
					settled = time.After(w.o.Settle)
				}
			}
		case <-settled:
			settled = nil
			w.mark = w.survey()
			w.onChange()
		case <-poll.C:
			if mark := w.survey(); mark != w.mark {
				w.mark = mark
				w.onChange()
			}
		}
	}
}

// matters leaves out hidden names and, when one file is watched, all others.
func (w *watcher) matters(e fsnotify.Event) bool {
	rel, err := filepath.Rel(w.folder.path, e.Name)
	if err != nil {
		return true
	}
	if rel == "." {
		return true
	}
	rel = filepath.ToSlash(rel)
	if w.o.Name != "" {
		return rel == w.o.Name
	}
	return !hidden(rel)
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// survey arms the notifications, again where they were lost, and sums up what is there. A folder is armed
// before it is read, so that nothing slips between.
func (w *watcher) survey() uint64 {
	sum := fnv.New64a()
	note := func(name string, info fs.FileInfo) {
		sum.Write([]byte(name))
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:8], uint64(info.Size()))
		binary.LittleEndian.PutUint64(b[8:], uint64(info.ModTime().UnixNano()))
		sum.Write(b[:])
	}
	if w.o.Name != "" {
		if _, err := w.folder.Root(); err == nil {
			w.arm(".")
		}
		if info, err := w.folder.Stat(w.o.Name); err == nil {
			note(w.o.Name, info)
		}
		return sum.Sum64()
	}
	err := w.folder.Walk(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			w.folder.log.Debug("vanished or unreadable while looking", "folder", w.folder.kind, "name", name, "err", err)
			return nil // the rest still counts
		}
		if name != "." && hidden(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			w.arm(name)
			sum.Write([]byte(name))
			return nil
		}
		if info, err := d.Info(); err == nil {
			note(name, info)
		}
		return nil
	})
	if err != nil {
		sum.Write([]byte(err.Error()))
	}
	return sum.Sum64()
}

// arm may be repeated: the system keeps one watch a folder.
func (w *watcher) arm(name string) {
	if w.notify == nil {
		return
	}
	err := w.notify.Add(filepath.Join(w.folder.path, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.folder.log.Debug("folder is only looked at from time to time", "folder", w.folder.kind, "name", name, "err", err)
	}
}
