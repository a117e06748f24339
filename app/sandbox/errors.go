package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrTooLarge marks a file that is larger than the caller accepts.
var ErrTooLarge = errors.New("file is too large")

// ErrNotPlain marks a name that is neither a plain file nor, where that was asked for, a folder: a device, a pipe, a socket.
var ErrNotPlain = errors.New("not a plain file")

// ErrReadOnly says that the sandbox was opened to be read only.
var ErrReadOnly = errors.New("the sandbox is open for reading only")

// ErrBusy says that another process has had the folder locked for too long.
var ErrBusy = errors.New("another process is using the folder")

// Cause is why a folder cannot be used. It is stable, so that a page can say it in the user's language.
type Cause string

// The causes.
const (
	Full      Cause = "full"       // no space, or a quota is used up
	ReadOnly  Cause = "read-only"  // the disk is mounted read-only
	Forbidden Cause = "permission" // the user lacks the right
	Blocked   Cause = "blocked"    // a file is where the folder should be
	Other     Cause = "other"
)

// FolderError says that a folder, not the one file in question, cannot be used.
type FolderError struct {
	Folder Kind
	Path   string // of the folder, or of what in it lacks a right
	Err    error
}

// Cause tells why the folder cannot be used.
func (e *FolderError) Cause() Cause { return causeOf(e.Err) }

func (e *FolderError) Error() string {
	return fmt.Sprintf("%s folder %s cannot be used: %v; %s", e.Folder, e.Path, reason(e.Err), e.remedy())
}

func (e *FolderError) Unwrap() error { return e.Err }

func (e *FolderError) remedy() string {
	switch e.Cause() {
	case Full:
		return "free some space on that disk, it is then used again at once"
	case ReadOnly:
		return "the disk is read-only: make it writable or mount it again, the folder is then used again at once"
	case Forbidden:
		return "give yourself the right to read and write it, it is then used again at once"
	case Blocked:
		return "a file is where a folder should be: move that file away, the folder is then made again"
	default:
		return "check that the disk is there and healthy"
	}
}

// reason drops the operation and path that a PathError repeats.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func causeOf(err error) Cause {
	switch {
	case isFull(err):
		return Full
	case isReadOnly(err):
		return ReadOnly
	case errors.Is(err, fs.ErrPermission):
		return Forbidden
	case isBlocked(err):
		return Blocked
	default:
		return Other
	}
}

// leadsOut recognises os.Root's refusal, for which the standard library exports no value.
func leadsOut(err error) bool {
	p, ok := errors.AsType[*fs.PathError](err)
	return ok && p.Err != nil && p.Err.Error() == "path escapes from parent"
}
