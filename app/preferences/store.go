package preferences

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

const (
	fileName = "preferences.json"
	maxSize  = 1 << 20 // bytes
)

// Store holds the preferences in use. It is safe for use by several goroutines and processes.
type Store struct {
	folder *sandbox.Folder

	order sync.Mutex // held from reading the file until all have heard of it

	mu       sync.Mutex // guards what follows; never held while others' code runs
	current  Preferences
	problems []error
	watchers map[int]func(Preferences)
	next     int
}

// Open reads the preferences. Where they cannot be read, wholly or in part, defaults apply and Problems says why; a
// file that is no JSON object is kept aside as preferences.json.broken-<time>.
func Open(folder *sandbox.Folder) *Store {
	s := &Store{folder: folder, current: Default(), watchers: map[int]func(Preferences){}}
	content, err := s.load()
	if broken, ok := errors.AsType[*BrokenError](err); ok {
		if keepErr := s.folder.Exclusive(func() error { return s.keepAside(broken) }); keepErr != nil {
			content.problems = append(content.problems, keepErr)
		}
	}
	s.current = content.preferences
	s.report(content.problems, err)
	return s
}

// Get returns the preferences in use.
func (s *Store) Get() Preferences {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Problems tells what is wrong with the file or its folder now, for people: *InvalidError for each value that gave way
// to its default, *BrokenError, *sandbox.FolderError; nil when all is well.
func (s *Store) Problems() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.problems...)
}

// OnChange calls fn after the preferences in use changed, through this store or through the file, one call at a time,
// until cancel is called. fn must not change preferences itself.
func (s *Store) OnChange(fn func(Preferences)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.watchers[id] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, id)
	}
}

// Watch takes over changes that others make to the file, until ctx ends; then the returned channel is closed. A file
// that vanishes or is no JSON changes nothing: it may be half saved by an editor.
func (s *Store) Watch(ctx context.Context) <-chan struct{} {
	return s.folder.Watch(ctx, sandbox.WatchOptions{Name: fileName}, s.reload)
}

func (s *Store) reload() {
	s.order.Lock()
	defer s.order.Unlock()
	content, err := s.load()
	s.report(content.problems, err)
	if err == nil && content.found {
		s.use(content.preferences)
	}
}

// Update changes what change changes, on top of what the file holds at that moment, and returns the outcome. Values out of
// range are moved into it; others that are wrong give *InvalidError, and nothing is changed.
func (s *Store) Update(change func(*Preferences)) (Preferences, error) {
	return s.update(func(p *Preferences) error {
		change(p)
		for _, f := range fields {
			if err := f.check(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// Patch is Update with the changes as decoded JSON: {"updates": {"channel": "beta"}}. A key that is not known is an
// error. All of it is applied, or nothing.
func (s *Store) Patch(patch map[string]any) (Preferences, error) {
	return s.update(func(p *Preferences) error { return apply(p, patch, "") })
}

func (s *Store) update(change func(*Preferences) error) (Preferences, error) {
	s.order.Lock()
	defer s.order.Unlock()
	var chosen Preferences
	err := s.folder.Exclusive(func() error {
		content, err := s.load()
		broken, isBroken := errors.AsType[*BrokenError](err)
		if err != nil && !isBroken {
			return err
		}
		// Without a file to go by, what is in use is what the user chose.
		if isBroken || !content.found {
			content.preferences = Default()
			chosen = s.Get()
		} else {
			chosen = content.preferences
		}
		if err := change(&chosen); err != nil {
			return err
		}
		data, differs, err := content.with(chosen)
		if err != nil || !differs {
			return err
		}
		if isBroken {
			if err := s.keepAside(broken); err != nil {
				return err
			}
		}
		if err := s.folder.WriteFile(fileName, data); err != nil {
			return err
		}
		_, problems := read(content.object)
		s.report(problems, nil)
		return nil
	})
	if err != nil {
		return s.Get(), fmt.Errorf("save preferences: %w", err)
	}
	s.use(chosen)
	return chosen, nil
}

// content is what the file says.
type content struct {
	found       bool
	object      object // never nil
	preferences Preferences
	problems    []error
}

// load returns *BrokenError for a file that is no JSON object. No file is no error.
func (s *Store) load() (content, error) {
	c := content{object: object{}, preferences: Default()}
	data, err := s.folder.ReadFile(fileName, maxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case errors.Is(err, sandbox.ErrTooLarge), errors.Is(err, sandbox.ErrNotPlain):
		return c, &BrokenError{Err: err}
	case err != nil:
		return c, err
	}
	o, err := parse(data)
	if err != nil {
		return c, &BrokenError{Err: err}
	}
	c.found, c.object = true, o
	c.preferences, c.problems = read(o)
	return c, nil
}

// parse keeps numbers as they are written. A byte order mark, which some editors put first, is no harm.
func parse(data []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, err
	}
	if o == nil {
		return nil, errors.New("it holds null in place of an object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its closing brace")
	}
	return o, nil
}

// with puts the values in which chosen differs into the object and returns it as text.
func (c *content) with(chosen Preferences) (data []byte, differs bool, err error) {
	for _, f := range fields {
		if value := f.value(chosen); value != f.value(c.preferences) {
			set(c.object, f.key, value)
			differs = true
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(c.object)
	return text.Bytes(), differs, err
}

// keepAside runs within Exclusive. It notes in broken where the file went.
func (s *Store) keepAside(broken *BrokenError) error {
	kept := fileName + ".broken-" + time.Now().UTC().Format("20060102-150405.000")
	if err := s.folder.Rename(fileName, kept); err != nil {
		return err
	}
	broken.Kept = filepath.Join(s.folder.Path(), kept)
	return nil
}

func (s *Store) report(problems []error, err error) {
	if err != nil {
		problems = append(problems, err)
	}
	for _, p := range problems {
		s.folder.Log().Warn("preferences", "err", p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = problems
}

// use makes p the preferences in use and tells those who watch. It runs within order.
func (s *Store) use(p Preferences) {
	s.mu.Lock()
	changed := p != s.current
	s.current = p
	var fns []func(Preferences)
	for _, id := range slices.Sorted(maps.Keys(s.watchers)) {
		fns = append(fns, s.watchers[id])
	}
	s.mu.Unlock()
	if !changed {
		return
	}
	for _, fn := range fns {
		fn(p)
	}
}
