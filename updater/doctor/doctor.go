// Package doctor tells, before a byte is downloaded, whether a program can be replaced where it lies, and if not, why and what helps.
//
// Parties: the program's file; the system around it: its folders and their owners, package managers, and the boxes that programs come in
// (Flatpak, Snap, AppImage, disk images).
//
// Trust: the environment is believed only where it agrees with the program's path, because programs inherit it from whoever starts
// them: a terminal that came as an AppImage does not make everything started in it one. No command is run but rpm's query, where that lies
// at a path that nobody but root can write, and with an empty environment. What it or a file says is taken for a package's name only where it
// has no other characters than such names have.
//
// Guarantees: nothing is changed. An examination takes well under a millisecond for a program of the user's own, and some ten for one of
// root's, for which the books of package managers are read; never longer than Options.Within. What does not answer in time says nothing: an
// update that cannot work fails later, at the first write, with everything as it was.
//
// A crash leaves nothing.
package doctor

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Code names a finding. The set is closed.
type Code string

const (
	Flatpak      Code = "flatpak"      // part of a Flatpak; Package, Command
	Snap         Code = "snap"         // part of a snap; Package, Command
	Packaged     Code = "packaged"     // a package manager put it there; Manager, Package, Command ("" where there is not one command)
	Translocated Code = "translocated" // macOS runs a copy of it at a path that exists for this run alone
	Image        Code = "image"        // inside a mounted image
	ReadOnly     Code = "read-only"    // nobody, or not even its owner, can write to the folder
	NotYours     Code = "not-yours"    // the folder, or the program, is another user's; Owner
	AppImage     Code = "appimage"     // no obstacle: the image, Path, is what gets replaced
)

// Finding is one thing found out.
type Finding struct {
	Code    Code
	Path    string // the file or folder that it is about
	Manager string // of packages, as people call it
	Package string
	Command string // that updates the package, to be typed into a terminal
	Owner   string // name of the folder's owner, or a number where it has none
}

// Report is what an examination found.
type Report struct {
	Target   string    // what an update replaces: the program's file with links resolved, or the AppImage it lies in
	Findings []Finding // the most telling first
}

// Err returns an [Error] with the first finding that stands in the way of an update, or nil.
func (r Report) Err() error {
	for _, f := range r.Findings {
		if f.Hinders() {
			return &Error{Finding: f}
		}
	}
	return nil
}

// Error says that the program cannot be replaced where it lies.
type Error struct{ Finding Finding }

func (e *Error) Error() string { return e.Finding.Sentence() + " " + e.Finding.Remedy() }

// Options adapt an examination; the zero value is right for programs.
type Options struct {
	Root   string              // where the system's files are; "" is the root of all folders
	Getenv func(string) string // nil: os.Getenv
	Within time.Duration       // for looking the program up among packages; 0: 2 s
}

const lookUpWithin = 2 * time.Second

func (o Options) complete() Options {
	if o.Root == "" {
		o.Root = string(filepath.Separator)
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Within == 0 {
		o.Within = lookUpWithin
	}
	return o
}

func (o Options) system(path string) string { return filepath.Join(o.Root, path) }

// Examine looks at the program whose file, or folder where it is a bundle, is target. It reads and asks, and changes nothing.
func Examine(ctx context.Context, target string, o Options) Report {
	o = o.complete()
	r := Report{Target: resolved(target)}
	if image, ok := o.appImage(r.Target); ok {
		r.Target = image
		r.Findings = append(r.Findings, Finding{Code: AppImage, Path: image})
	}
	if f, ok := o.box(r.Target); ok { // whose folders are mounted read-only: that is no second obstacle
		r.Findings = append(r.Findings, f)
		return r
	}
	if f, ok := o.packaged(ctx, r.Target); ok {
		r.Findings = append(r.Findings, f)
	}
	if f, ok := o.place(r.Target); ok {
		r.Findings = append(r.Findings, f)
	}
	return r
}

// Program returns what is to be replaced, and to be started anew, instead of a running executable: the AppImage around it, or itself.
func Program(executable string) string {
	if image, ok := (Options{}).complete().appImage(resolved(executable)); ok {
		return image
	}
	return executable
}

// box finds those that keep their programs current themselves.
func (o Options) box(target string) (Finding, bool) {
	if f, ok := o.flatpak(target); ok {
		return f, true
	}
	return o.snap(target)
}

// place says what is wrong with where the program lies: the first reason explains the others.
func (o Options) place(target string) (Finding, bool) {
	folder := filepath.Dir(target)
	if translocated(target) {
		return Finding{Code: Translocated, Path: target}, true
	}
	switch volumeOf(folder) {
	case image:
		return Finding{Code: Image, Path: folder}, true
	case readOnly:
		return Finding{Code: ReadOnly, Path: folder}, true
	}
	return access(target)
}

// volume is what a file system is to someone who wants to write to it.
type volume int

const (
	writable volume = iota
	readOnly
	image
)

func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}
