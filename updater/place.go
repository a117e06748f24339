package updater

import (
	"context"
	"errors"

	"github.com/tesseract-desktop/tesseract/updater/doctor"
)

// examine says why the program cannot be replaced where it lies, before a byte is downloaded for it; nil where nothing is known to stand in
// the way. It looks once, again when the user asks for a check or when the folder has turned out to be closed, and as long as there is something
// in the way: that may be mended.
func (e *Engine) examine(ctx context.Context, asked bool) error {
	if e.examined && e.hindered == nil && !asked {
		return nil
	}
	e.hindered = doctor.Examine(ctx, e.opts.Install.Target, e.opts.Doctor).Err()
	e.examined = ctx.Err() == nil
	if e.hindered != nil {
		e.opts.Log.Info("this program cannot be updated where it is", "why", e.hindered)
	}
	return e.hindered
}

// managed tells whether somebody else keeps the program current. Then the feed is not asked: what is new there may not be new here.
func managed(err error) bool {
	found, ok := errors.AsType[*doctor.Error](err)
	return ok && placeCodes[found.Finding.Code] == Managed
}

// placeCodes says which reason a finding is.
var placeCodes = map[doctor.Code]Code{
	doctor.Flatpak: Managed, doctor.Snap: Managed, doctor.Packaged: Managed,
	doctor.Translocated: Translocated, doctor.Image: Image, doctor.ReadOnly: ReadOnly, doctor.NotYours: NotYours,
}

// ofPlace recognises what is wrong with where the program lies.
func (r *Reason) ofPlace(err error) bool {
	found, ok := errors.AsType[*doctor.Error](err)
	if !ok {
		return false
	}
	r.Code, r.Params = placeCodes[found.Finding.Code], found.Finding.Params()
	if r.Code == Managed {
		delete(r.Params, "path")
	}
	return true
}
