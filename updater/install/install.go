// Package install replaces a program, an executable or a folder with one in it, by a newer one and takes that back when it was a mistake.
//
// Parties: the running program (the incumbent), the new executable it has staged, the program started from that
// (the successor), and possibly a second copy of either: each may be killed at any moment, and any of
// them may be the one that starts next.
//
// Trust. Nothing that was downloaded is run or put in place before its length and SHA-256, which the caller took
// from signed metadata, have been checked; they are checked again right before it is run and before it is put in
// place. What fails is deleted and reported as [ErrCorrupt]. Other users must not be able to write to the
// program's folder or to the state folder; if they can, they need no updater to replace the program.
//
// Guarantees. On Unix the target's path always leads to a whole program, the old one or the new one: the old executable
// is linked to a second name and the new one renamed over it, in one step; two folders trade places, in one step as well. The
// new version has the owner, the permissions, the ACL and the extended attributes of the old, but for the mark of a download. A
// symbolic link to the target stays and is followed. Every change is recorded before it is made and after, so that
// [Install.Recover] knows what a crash interrupted and ends it one way or the other. What returns an error has changed nothing that
// counts. One process at a time changes an install; another gets [ErrLocked]. A version that nobody has confirmed is counted at each
// start ([Install.Boot]), and the third start brings the old one back.
//
// What a crash leaves. In the program's folder, hidden files named after the executable: ".<name>.staged"
// (verified), ".<name>.previous" (the version to go back to) and ".<name>.new" (unfinished); in the state folder
// the journal, the record, the lock and "downloads". Recover removes whatever is of no use any more.
//
// Limits. Windows cannot replace the file of a running program, so there it takes two renames, and a power cut
// between them leaves the program under ".<name>.previous" only; Recover puts it back. The same goes for folders where a file system
// cannot exchange two names. On Windows a program is one file. ACLs of macOS that a file does not get from its folder are not kept.
package install

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// The kinds of errors. Each is wrapped with the folder or file concerned.
var (
	ErrLocked     = errors.New("another process is updating this program; wait until it is done")
	ErrReadOnly   = errors.New("the folder cannot be written; move the program to a folder of yours or change its permissions")
	ErrNoSpace    = errors.New("there is not enough space on the disk; free some")
	ErrCorrupt    = errors.New("the file is not what the release says and was deleted; it will be downloaded again")
	ErrIncomplete = errors.New("the download is not complete yet")
	ErrChanged    = errors.New("the program's file was changed by something else meanwhile; the update starts anew")
	ErrNotStaged  = errors.New("no update is ready to be put in place")
	ErrNoPrevious = errors.New("no earlier version is kept to go back to")
	ErrUnproven   = errors.New("the last update has neither been confirmed nor taken back yet")
	ErrOwner      = errors.New("the program belongs to another user, and the new version would not; update it as that user, or make the program yours")
	ErrTrial      = errors.New("the new version did not pass its trial run")
)

// NoSpaceError says how much is missing where. It is an [ErrNoSpace].
type NoSpaceError struct {
	Need, Free int64 // bytes; Need is 0 where a write failed without a known total
	Path       string
}

func (e *NoSpaceError) Error() string {
	if e.Need == 0 {
		return fmt.Sprintf("the disk of %s is full (%d MB free); free some space", e.Path, e.Free>>20)
	}
	return fmt.Sprintf("the disk of %s has %d MB free and %d MB are needed; free some space", e.Path, e.Free>>20, e.Need>>20+1)
}

// Unwrap makes it an ErrNoSpace.
func (e *NoSpaceError) Unwrap() error { return ErrNoSpace }

// Artifact is what makes an executable the right one.
type Artifact struct {
	Length int64          `json:"length"`
	SHA256 release.Digest `json:"sha256"`
}

// Options say what is updated and where the state goes.
type Options struct {
	Target  string       // path of the executable, or of the folder that is the program; a symbolic link is followed
	Program string       // where Target is a folder: the executable's path within it, with forward slashes; else empty
	Dir     string       // state folder, created with 0700; it may serve several installs of the program
	Log     *slog.Logger // nil: discarded
}

func (o *Options) validate() error {
	if o.Target == "" || o.Dir == "" {
		return errors.New("install: Target and Dir must be given")
	}
	if o.Program != "" && !treesWork {
		return errors.New("install: a program that is a folder cannot be replaced on this system while it runs")
	}
	if o.Program != "" && !fs.ValidPath(o.Program) {
		return fmt.Errorf("install: %q is no path within a folder", o.Program)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Install is one program on disk. Its methods may be called by several goroutines; those that change something
// return [ErrLocked] while another process does.
type Install struct {
	log     *slog.Logger
	target  string   // absolute, with symbolic links resolved
	base    string   // its last element
	program string   // the executable within the target; empty where the target is the executable
	folder  *os.Root // the folder it is in
	state   *os.Root
	journal *durable.Log

	mu sync.Mutex
	// point is called between the steps of every change. Tests end the process there.
	point func(step string)
	// exchange is durable.Exchange. Tests have none, as some file systems.
	exchange func(root *os.Root, a, b string) error
}

const (
	downloads     = "downloads"
	lockName      = "lock"
	journalName   = "journal"
	unverified    = ".unverified"
	journalRecord = 64 << 10
	lockPause     = 10 * time.Millisecond
)

// Open prepares an install. It changes nothing but the state folder, and does not look at the target, which a
// crash on Windows may have left under another name until [Install.Recover] runs.
func Open(o Options) (*Install, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	target, err := resolve(o.Target)
	if err != nil {
		return nil, fmt.Errorf("open install: %w", err)
	}
	i := &Install{log: o.Log, target: target, base: filepath.Base(target), program: o.Program, point: func(string) {}, exchange: durable.Exchange}
	if i.folder, err = os.OpenRoot(filepath.Dir(target)); err != nil {
		return nil, fmt.Errorf("open install: the program's folder: %w", err)
	}
	if err := i.openState(o.Dir); err != nil {
		i.Close()
		return nil, fmt.Errorf("open install: %w", classify(err, o.Dir))
	}
	return i, nil
}

func resolve(target string) (string, error) {
	abs, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return abs, nil
	}
	return real, err
}

func (i *Install) openState(dir string) error {
	if err := durable.MkdirAll(filepath.Join(dir, downloads), 0o700); err != nil {
		return err
	}
	var err error
	if i.state, err = os.OpenRoot(dir); err != nil {
		return err
	}
	i.journal, err = durable.OpenLog(i.state, journalName, 0o600, journalRecord)
	return err
}

// Close lets go of the folders. The install on disk stays as it is.
func (i *Install) Close() {
	if i.folder != nil {
		i.folder.Close()
	}
	if i.state != nil {
		i.state.Close()
	}
}

// Target is the path of the executable, or of the program's folder, with symbolic links resolved.
func (i *Install) Target() string { return i.target }

// Program is the path of the executable.
func (i *Install) Program() string { return i.executable(i.base) }

// Staged is the path of the executable of a verified new version that waits.
func (i *Install) Staged() string { return i.executable(i.stagedName()) }

// Current returns the SHA-256 and the length of the target as it is now.
func (i *Install) Current() (release.Digest, int64, error) {
	a, err := i.take(fingerprints{}, i.base)
	if err != nil {
		return release.Digest{}, 0, fmt.Errorf("read the program's file: %w", err)
	}
	return a.SHA256, a.Length, nil
}

func (i *Install) stagedName() string   { return "." + i.base + ".staged" }
func (i *Install) previousName() string { return "." + i.base + ".previous" }

// newName and probeName are where selfupdate writes; it chooses them.
func (i *Install) newName() string   { return "." + i.base + ".new" }
func (i *Install) probeName() string { return "." + i.base + ".check-perm" }

// failedName is where Windows keeps a bad version that still runs.
func (i *Install) failedName() string { return "." + i.base + ".failed" }

// recordName differs between installs that share a state folder.
func (i *Install) recordName() string {
	sum := sha256.Sum256([]byte(i.target))
	return "install-" + hex.EncodeToString(sum[:6]) + ".json"
}

// exclusive runs do while no other goroutine or process changes the install.
func (i *Install) exclusive(what string, do func() error) error { return i.locked(what, 0, do) }

// patiently is exclusive, but another process gets the time to end what it does.
func (i *Install) patiently(what string, do func() error) error {
	return i.locked(what, bootPatience, do)
}

func (i *Install) locked(what string, patience time.Duration, do func() error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	lock, ok, err := durable.TryAcquire(i.state, lockName)
	for ends := time.Now().Add(patience); err == nil && !ok && time.Now().Before(ends); {
		i.point("locked out")
		time.Sleep(lockPause)
		lock, ok, err = durable.TryAcquire(i.state, lockName)
	}
	if err == nil && !ok {
		err = ErrLocked
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, classify(err, i.state.Name()))
	}
	defer lock.Release()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ReadOnlyError names the folder that cannot be written. It is an [ErrReadOnly].
type ReadOnlyError struct{ Path string }

func (e *ReadOnlyError) Error() string { return e.Path + ": " + ErrReadOnly.Error() }

// Unwrap makes it an ErrReadOnly.
func (e *ReadOnlyError) Unwrap() error { return ErrReadOnly }

// remove is for files and trees that may be missing.
func remove(root *os.Root, name string) error { return root.RemoveAll(name) }

// classify gives errors of the file system their kind.
func classify(err error, folder string) error {
	switch {
	case err == nil, errors.Is(err, ErrNoSpace), errors.Is(err, ErrReadOnly):
		return err
	case isNoSpace(err):
		free, _ := freeSpace(folder)
		return fmt.Errorf("%w (%w)", &NoSpaceError{Free: free, Path: folder}, err)
	case isReadOnly(err):
		return fmt.Errorf("%w (%w)", &ReadOnlyError{Path: folder}, err)
	}
	return err
}
