package handover

import (
	"fmt"
	"os"
	"sync"
)

const (
	maxFiles = 32 // in one handover
	maxName  = 64 // bytes of a file's name
)

// files are those that a successor was lent, by name.
type files struct {
	mu     sync.Mutex
	byName map[string]*os.File
}

func (f *files) put(name string, file *os.File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case file == nil:
		return fmt.Errorf("the file %q did not come along: %w", name, ErrRefused)
	case name == "" || len(name) > maxName || f.byName[name] != nil || len(f.byName) == maxFiles:
		_ = file.Close()
		return fmt.Errorf("the file %q is one too many: %w", name[:min(len(name), maxName)], ErrRefused)
	}
	if f.byName == nil {
		f.byName = map[string]*os.File{}
	}
	f.byName[name] = file
	return nil
}

func (f *files) take(name string) *os.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.byName[name]
	delete(f.byName, name)
	return file
}

// Pass lends an open file to the successor, under a name of at most 64 bytes: a lock, a listening socket. It is to be called before Commit,
// for at most 32 files. Both processes have it open from then on, so that a lock on it has no instant without a holder; the caller keeps its
// own and closes it when it goes. Where the system cannot do that (Windows) the error is [errors.ErrUnsupported]: let go instead, and let
// the successor take.
func (s *Incumbent) Pass(name string, file *os.File) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("pass a file: a name has 1 to %d bytes, this has %d", maxName, len(name))
	}
	return s.link.write(message{Kind: kindFile, Name: name}, nil, file)
}

// File returns the file that the incumbent lent under this name, or nil where it lent none. It is there once Await has returned, and is the
// caller's from then on: a second call returns nil.
func (s *Successor) File(name string) *os.File { return s.files.take(name) }
