// Package sandbox gives an app five folders of its own, and no way out of them.
//
// Parties: the app, which names files; its page, from which such names often come; the user and other
// programs, who may change, fill, lock or delete a folder at any time; a second process of the same app,
// which uses the same folders during a handover.
//
// Trust: the places of the folders come from the system's user directories (XDG and their counterparts) and
// are trusted. Names are not: each is checked to mean the same plain file on Linux, Windows and macOS, and
// is then resolved by os.Root, which follows no link out of the folder. What is in a file is the caller's matter.
//
// Guarantees: folders are made with 0700 and files with 0600. A write is whole and synced when it returns, or
// the old content stays. A folder that cannot be made or written is no reason not to start: it is reported by
// [Sandbox.Health] and by each operation as a [FolderError] that says what to do, and it is used again,
// without a restart, as soon as the cause is gone.
//
// A crash leaves whole files and at most temporary ones (hidden names), which the next start removes.
package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/adrg/xdg"
)

// Kind names one of the folders.
type Kind string

// The folders and what each is for.
const (
	Documents   Kind = "Documents"   // what the user makes: never deleted by the app
	Cache       Kind = "Cache"       // can be made again: may vanish at any time
	Preferences Kind = "Preferences" // what the user chose, in files that people may edit
	Snapshots   Kind = "Snapshots"   // recorded UI state
	Updates     Kind = "Updates"     // downloads and the update journal
)

// Options say where the folders are.
type Options struct {
	// App is the name of the app's folder below the user directories. It must be a valid file name.
	App string
	// Base, when set, holds all five folders instead of the user directories: for portable installations and tests.
	Base string
	// ReadOnly makes and changes nothing: what writes is refused, what reads finds nothing where a folder is missing.
	ReadOnly bool
	// Log gets what is worth knowing but is no error; nil discards it.
	Log *slog.Logger
}

func (o Options) validate() error {
	if err := CheckName(o.App); err != nil {
		return fmt.Errorf("app folder: %w", err)
	}
	if filepath.Base(filepath.FromSlash(o.App)) != o.App {
		return &NameError{Name: o.App, Why: "it names a folder in a folder"}
	}
	return nil
}

// Sandbox is the app's five folders. It is safe for use by several goroutines and processes.
type Sandbox struct {
	folders map[Kind]*Folder
}

var kinds = []Kind{Documents, Cache, Preferences, Snapshots, Updates}

// Open makes the folders that are missing, unless the sandbox is to be read only. It fails only for an invalid app name: folders that cannot be
// used are reported by Health.
func Open(o Options) (*Sandbox, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sandbox{folders: map[Kind]*Folder{}}
	for _, kind := range kinds {
		f := newFolder(kind, o.place(kind), o.Log)
		f.readOnly = o.ReadOnly
		if err := f.start(); err != nil {
			o.Log.Warn("folder cannot be used", "folder", kind, "path", f.path, "err", err)
		}
		s.folders[kind] = f
	}
	return s, nil
}

func (o Options) place(kind Kind) string {
	if o.Base != "" {
		return filepath.Join(o.Base, string(kind))
	}
	switch kind {
	case Documents:
		return filepath.Join(xdg.DataHome, o.App, string(Documents))
	case Cache:
		return filepath.Join(xdg.CacheHome, o.App)
	case Preferences:
		return filepath.Join(xdg.ConfigHome, o.App)
	default:
		return filepath.Join(xdg.StateHome, o.App, string(kind))
	}
}

// Documents holds what the user makes.
func (s *Sandbox) Documents() *Folder { return s.folders[Documents] }

// Cache holds what can be made again.
func (s *Sandbox) Cache() *Folder { return s.folders[Cache] }

// Preferences holds what the user chose.
func (s *Sandbox) Preferences() *Folder { return s.folders[Preferences] }

// Snapshots holds recorded UI state.
func (s *Sandbox) Snapshots() *Folder { return s.folders[Snapshots] }

// Updates holds downloads and the update journal.
func (s *Sandbox) Updates() *Folder { return s.folders[Updates] }

// Health tries each folder with a small file and returns those that cannot be used now, in the order of the
// constants; nil when all is well.
func (s *Sandbox) Health() []*FolderError {
	var problems []*FolderError
	for _, kind := range kinds {
		f := s.folders[kind]
		err := f.probe()
		if err == nil {
			continue
		}
		var problem *FolderError
		if !errors.As(err, &problem) {
			problem = &FolderError{Folder: kind, Path: f.path, Err: err}
		}
		problems = append(problems, problem)
	}
	return problems
}
