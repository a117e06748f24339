package updater

import (
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/install"
)

// journal opens the install, for as long as Launch and Run need it.
func (e *Engine) journal() (*install.Install, error) {
	e.opening.Lock()
	defer e.opening.Unlock()
	if e.shared == nil {
		inst, err := e.openInstall()
		if err != nil {
			return nil, err
		}
		e.shared = inst
	}
	return e.shared, nil
}

func (e *Engine) openInstall() (*install.Install, error) {
	inst, err := install.Open(e.opts.Install)
	if err != nil {
		return nil, &stateError{path: e.opts.Install.Dir, err: err}
	}
	return inst, nil
}

// close lets go of the install's folders: on Windows nobody can move or delete one that is open.
func (e *Engine) close() {
	e.opening.Lock()
	defer e.opening.Unlock()
	if e.shared != nil {
		e.shared.Close()
		e.shared, e.inst = nil, nil
	}
}

// entries reads the journal from any goroutine.
func (e *Engine) entries() ([]install.Entry, error) {
	e.opening.Lock()
	defer e.opening.Unlock()
	inst := e.shared
	if inst == nil {
		var err error
		if inst, err = e.openInstall(); err != nil {
			return nil, err
		}
		defer inst.Close()
	}
	return inst.History()
}

// attemptOf returns the journal's newest entry about a version.
func (e *Engine) attemptOf(version string) install.Entry {
	entries, err := e.inst.History()
	if err != nil {
		e.opts.Log.Warn("cannot read the journal", "why", err)
	}
	for _, entry := range slices.Backward(entries) {
		if entry.To == version {
			return entry
		}
	}
	return install.Entry{To: version}
}
