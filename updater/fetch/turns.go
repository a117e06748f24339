package fetch

import (
	"context"
	"fmt"
)

// dismissed says why nothing of the worker is wanted any more; nil while it is.
func (d *download) dismissed(w *worker) error {
	d.taking.RLock()
	defer d.taking.RUnlock()
	return w.unwanted()
}

// unwanted is asked with d.taking held.
func (w *worker) unwanted() error {
	if w.revoked {
		return errRevoked
	}
	return context.Cause(w.ctx)
}

// takeOver makes an answer that is the whole file the only one that writes. whole says that the server hands out nothing less.
func (d *download) takeOver(w *worker, tag string, whole bool) error {
	d.taking.Lock()
	defer d.taking.Unlock()
	if err := w.unwanted(); err != nil {
		return err
	}
	d.revokeOthers(w)
	if d.r.Segments.none() {
		d.ledger.forget(span{0, d.r.Length})
	}
	d.ledger.claim(w.lease)
	d.sole.Store(w)
	d.sources.edit(func() {
		w.source.recognise(tag)
		w.source.whole = w.source.whole || whole
	})
	return nil
}

// takePart lets an answer that is a part of the file write. Where that is another file than before, everything is forgotten.
func (d *download) takePart(w *worker, tag string) error {
	d.taking.Lock()
	defer d.taking.Unlock()
	if err := w.unwanted(); err != nil {
		return err
	}
	var another bool
	d.sources.edit(func() {
		w.source.ranged = true
		another = w.source.recognise(tag)
	})
	if !another || w.proof != nil {
		return nil
	}
	d.revokeOthers(w)
	w.revoked = true
	d.ledger.forget(span{0, d.r.Length})
	return &retry{err: fmt.Errorf("%w: its file changed meanwhile", ErrUnreachable)}
}

func (d *download) revokeOthers(w *worker) {
	for o := range d.workers {
		if o != w {
			o.revoked = true
			o.cancel(errRevoked)
		}
	}
}
