package pcln

// prediction is what a pc table of a new function would be if nothing but what is known had changed.
type prediction struct {
	asIs  bool
	old   uint32 // the table is the old one here, if asIs
	table []byte // otherwise
}

// carried is a step of an old pc table where it is in the new function. value is still the old one; file is the old file
// of a line.
type carried struct {
	value int32
	end   uint32
	file  uint32
}

// predictor carries the pc tables of old functions over. What it returns is valid until it is asked for the same column
// again, or for another function.
type predictor struct {
	quantum uint32
	placer  *placer
	shifts  *shifts
	work    int // how many bytes may still be read of old tables: an honest patch reads each of them a few times

	q         *pair
	cu        uint32 // the counterpart's
	size      uint32 // where the new tables end, in quanta
	files     []step // the counterpart's pcfile
	haveFiles bool
	parsed    []step
	steps     []carried
	tables    [maxColumns][]byte
}

// begin turns to a new function.
func (p *predictor) begin(q *pair) {
	p.q, p.haveFiles = q, false
	if q.record != nil {
		p.cu = word(q.record, wCU)
	}
}

// old returns the counterpart's pc table k.
func (p *predictor) old(k int) []byte {
	if p.q.record == nil || k >= columns(p.q.record) {
		return nil
	}
	return p.placer.table(column(p.q.record, k))
}

// parse reads an old table.
func (p *predictor) parse(dst []step, table []byte) ([]step, bool) {
	p.work -= len(table)
	return parseSteps(dst[:0], table)
}

// end predicts where the tables end, in quanta: at the end of the code, before the padding.
func (p *predictor) end() uint32 {
	p.parsed, _ = p.parse(p.parsed, p.old(0))
	if len(p.parsed) == 0 {
		return p.q.length / p.quantum
	}
	return p.move(p.parsed[len(p.parsed)-1].end)
}

// move is pair.move in quanta.
func (p *predictor) move(pc uint32) uint32 {
	if p.q.class == level {
		return pc
	}
	return min(p.q.move(pc*p.quantum), p.q.length) / p.quantum
}

// bytes returns the table that is predicted.
func (p *predictor) bytes(f prediction) []byte {
	if f.asIs {
		return p.placer.table(f.old)
	}
	return f.table
}

// column predicts pc table k of a counterpart that there is.
func (p *predictor) column(k int) prediction {
	asIs := prediction{asIs: true, old: column(p.q.record, k)}
	if asIs.old == 0 || p.q.class == level && !p.affected(k) {
		return asIs
	}
	if p.q.class == level {
		p.size = p.end()
	}
	steps, ok := p.carry(k)
	if !ok {
		return asIs
	}
	out := p.tables[k][:0]
	value, end := int32(-1), uint32(0)
	for i, s := range steps {
		v := p.value(k, s)
		if i+1 < len(steps) && p.value(k, steps[i+1]) == v {
			continue
		}
		out = appendStep(out, int64(v)-int64(value), s.end-end)
		value, end = v, s.end
	}
	p.tables[k] = append(out, 0)
	return prediction{table: p.tables[k]}
}

// value predicts what the value of a carried step is now.
func (p *predictor) value(k int, s carried) int32 {
	switch k {
	case colFile:
		return p.shifts.fileIndex(p.cu, s.value)
	case colLine:
		return p.shifts.line(s.file, s.value)
	}
	return s.value
}

// learn is told what the value of a carried step is now.
func (p *predictor) learn(k int, s carried, value int32) {
	switch k {
	case colFile:
		p.shifts.learnFile(p.cu, s.value, value)
	case colLine:
		p.shifts.learnLine(s.file, s.value, value)
	}
}

// affected tells whether what was learned of the sources may change pc table k.
func (p *predictor) affected(k int) bool {
	switch {
	case k == colFile && p.shifts.known != nil:
		for _, s := range p.oldFiles() {
			if p.shifts.fileIndex(p.cu, s.value) != s.value {
				return true
			}
		}
	case k == colLine && len(p.shifts.lines) > 0:
		for _, s := range p.oldFiles() {
			if p.shifts.moves(p.shifts.file(p.cu, s.value)) {
				return true
			}
		}
	}
	return false
}

// oldFiles returns the counterpart's pcfile.
func (p *predictor) oldFiles() []step {
	if !p.haveFiles {
		p.files, _ = p.parse(p.files, p.old(colFile))
		p.haveFiles = true
	}
	return p.files
}

// carry returns the steps of the counterpart's table k where they are now.
func (p *predictor) carry(k int) (steps []carried, ok bool) {
	var files []step
	if k == colLine {
		files = p.oldFiles()
	}
	if p.parsed, ok = p.parse(p.parsed, p.old(k)); !ok {
		return nil, false
	}
	out := p.steps[:0]
	last := p.parsed[len(p.parsed)-1].end
	at := uint32(0)
	for _, s := range p.parsed {
		end := p.size
		if s.end < last {
			end = min(p.move(s.end), p.size)
		}
		if end <= at {
			continue
		}
		file := noFile
		for len(files) > 1 && files[0].end < s.end {
			files = files[1:]
		}
		if len(files) > 0 {
			file = p.shifts.file(p.cu, files[0].value)
		}
		out = append(out, carried{s.value, end, file})
		at = end
	}
	p.steps = out
	return out, len(out) > 0
}
