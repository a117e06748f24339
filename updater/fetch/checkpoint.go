package fetch

import "time"

// checkpoints keeps the map up to date until stop is called.
func (d *download) checkpoints() (stop func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		period := 200 * time.Millisecond
		if d.r.Segments.none() {
			period = time.Second // each time the file is synced
		}
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d.checkpoint()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-over }
}

func (d *download) checkpoint() {
	if err := d.part.remember(d.position); err != nil {
		d.f.o.Log.Warn("fetch: cannot note how far it is", "path", d.r.Path, "because", err)
	}
}

// position is where the download is, at one moment: bytes of one file must not be noted with what recognises another.
func (d *download) position() sidecar {
	d.taking.RLock()
	defer d.taking.RUnlock()
	s := sidecar{Length: d.r.Length, Tags: map[string]string{}, Have: [][2]int64{}}
	d.sources.edit(func() {
		for _, c := range d.sources.all {
			if c.tag != "" && len(s.Tags) < sidecarTags {
				s.Tags[c.url] = c.tag
			}
		}
	})
	for _, e := range d.ledger.there() {
		s.Have = append(s.Have, [2]int64{e.from, e.to})
	}
	return s
}
