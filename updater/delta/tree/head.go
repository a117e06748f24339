package tree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"

	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// headWriter writes a head's operations.
type headWriter struct {
	b       []byte
	pending uint64 // old entries to keep or to skip, not written yet
	op      uint64
	last    string // path of the last new entry
}

func (w *headWriter) number(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *headWriter) text(s string) { w.b = appendText(w.b, s) }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// run adds one old entry to a run of opKeep or opSkip.
func (w *headWriter) run(op uint64) {
	if w.op != op {
		w.flush()
	}
	w.op = op
	w.pending++
}

func (w *headWriter) flush() {
	if w.pending > 0 {
		w.b = binary.AppendUvarint(w.b, w.pending<<operationBits|w.op)
	}
	w.pending = 0
}

func (w *headWriter) put(op int, i item) {
	w.flush()
	w.number(op)
	if op != opChange {
		shared := 0
		for shared < min(len(w.last), len(i.Path)) && w.last[shared] == i.Path[shared] {
			shared++
		}
		w.number(shared)
		w.text(i.Path[shared:])
	}
	switch {
	case i.Kind == Link:
		w.text(i.Target)
	case i.Kind == Folder:
	case i.from != fresh:
		w.number(i.from + 1)
	default:
		w.number(0)
		w.number(int(i.Length))
		if i.Length > 0 {
			w.b = append(w.b, i.SHA256[:]...)
		}
	}
}

// encodeHead writes the head that turns the old entries into the items, which are sorted.
func encodeHead(old Manifest, items []item) []byte {
	w := headWriter{b: base(old)}
	w.number(len(items))
	cursor := 0
	for _, i := range items {
		for cursor < len(old.entries) && old.entries[cursor].Path < i.Path {
			w.run(opSkip)
			cursor++
		}
		was := Entry{}
		if cursor < len(old.entries) && old.entries[cursor].Path == i.Path {
			was = old.entries[cursor]
		}
		switch {
		case was.Path == "":
			w.put(opOf(i.Kind), i)
		case was.Kind == i.Kind && was.Target == i.Target && was.SHA256 == i.SHA256:
			w.run(opKeep)
			cursor++
		case was.Kind == File && i.Kind == File:
			w.put(opChange, i)
			cursor++
		default:
			w.put(opOf(i.Kind), i)
		}
		w.last = i.Path
	}
	w.flush()
	w.modes(items)
	return w.b
}

func opOf(k Kind) int {
	switch k {
	case File:
		return opFile
	case Folder:
		return opFolder
	default:
		return opLink
	}
}

func (w *headWriter) modes(items []item) {
	run, mode := 0, fs.FileMode(0)
	for _, i := range items {
		if i.Kind == Link {
			continue
		}
		if run > 0 && i.Mode != mode {
			w.number(run)
			w.number(int(mode))
			run = 0
		}
		mode = i.Mode
		run++
	}
	if run > 0 {
		w.number(run)
		w.number(int(mode))
	}
}

// packHead compresses a head where that makes it shorter, and puts its lengths before it.
func packHead(ctx context.Context, head []byte) ([]byte, error) {
	var frame bytes.Buffer
	if err := zstd.Compress(ctx, bytes.NewReader(head), &frame, nil); err != nil {
		return nil, err
	}
	packed := binary.AppendUvarint(nil, uint64(len(head)))
	if frame.Len() < len(head) {
		packed = binary.AppendUvarint(packed, uint64(frame.Len()))
		return append(packed, frame.Bytes()...), nil
	}
	packed = binary.AppendUvarint(packed, 0)
	return append(packed, head...), nil
}

var errShort = errors.New("it ends too early")

// headReader takes a head apart.
type headReader struct {
	b   []byte
	err error // the first that was found; everything after it is zero
}

func (r *headReader) fail(err error) {
	if r.err == nil {
		r.b, r.err = nil, err
	}
}

func (r *headReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail(errShort)
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *headReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > math.MaxInt64 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *headReader) text(limit uint64) string {
	n := r.number()
	if n > limit {
		r.fail(errors.New("a text of it is too long"))
	}
	return string(r.take(n))
}

// decodeHead makes the items of a head and the old entries. They are as hostile as the head: what came out must still be
// held to the rules of a manifest.
func decodeHead(head []byte, old Manifest) ([]item, error) {
	m := maker{headReader: headReader{b: head}, old: old.entries, room: MaxManifest}
	m.take(baseLength)
	count := m.number()
	if count > MaxEntries {
		m.fail(errors.New("it has too many entries"))
	}
	for m.err == nil && uint64(len(m.items)) < count {
		m.operation(count - uint64(len(m.items)))
	}
	m.modes()
	if m.err == nil && len(m.b) > 0 {
		m.fail(errors.New("something follows it"))
	}
	return m.items, m.err
}

// maker makes the items of a head's operations.
type maker struct {
	headReader
	old   []Entry // those at and after the cursor start at next
	next  int
	items []item
	room  int // bytes that paths and targets may still take
}

func (m *maker) operation(wanted uint64) {
	n := m.number()
	op, n := n&(1<<operationBits-1), n>>operationBits
	counted := op == opKeep || op == opSkip
	switch {
	case counted != (n > 0), op > opLink:
		m.fail(errors.New("an operation of it does not exist"))
	case counted && n > uint64(len(m.old)-m.next):
		m.fail(errors.New("it goes past the old tree's entries"))
	case op == opKeep && n > wanted:
		m.fail(errors.New("it keeps more entries than there are"))
	case op == opSkip:
		m.next += int(n)
	case op == opKeep:
		for range n {
			m.add(item{m.old[m.next], m.next})
			m.next++
		}
	case op == opChange:
		m.change()
	default:
		m.create(op)
	}
}

func (m *maker) change() {
	if m.next == len(m.old) || m.old[m.next].Kind != File {
		m.fail(errors.New("it changes what is no file"))
		return
	}
	i := item{Entry{Path: m.old[m.next].Path, Kind: File}, fresh}
	m.next++
	m.content(&i)
	m.add(i)
}

func (m *maker) create(op uint64) {
	last := ""
	if len(m.items) > 0 {
		last = m.items[len(m.items)-1].Path
	}
	shared := m.number()
	if shared > uint64(len(last)) {
		m.fail(errors.New("a path shares more than there is"))
		return
	}
	i := item{Entry{Path: last[:shared] + m.text(MaxPath)}, fresh}
	switch op {
	case opFile:
		i.Kind = File
		m.content(&i)
	case opFolder:
		i.Kind = Folder
	case opLink:
		i.Kind, i.Target = Link, m.text(MaxPath)
	}
	m.add(i)
}

func (m *maker) content(i *item) {
	if source := m.number(); source > 0 {
		if source > uint64(len(m.old)) || m.old[source-1].Kind != File {
			m.fail(errors.New("it takes content from what is no file"))
			return
		}
		i.from = int(source - 1)
		i.Length, i.SHA256 = m.old[i.from].Length, m.old[i.from].SHA256
		return
	}
	i.Length, i.SHA256 = int64(m.number()), empty
	if i.Length > 0 {
		copy(i.SHA256[:], m.take(uint64(len(i.SHA256))))
	}
}

func (m *maker) add(i item) {
	if m.room -= len(i.Path) + len(i.Target); m.room < 0 {
		m.fail(errors.New("its paths are too long in all"))
		return
	}
	m.items = append(m.items, i)
}

func (m *maker) modes() {
	run, mode := uint64(0), uint64(0)
	for n := range m.items {
		i := &m.items[n]
		if i.Kind == Link {
			continue
		}
		if run == 0 {
			if run, mode = m.number(), m.number(); run == 0 || mode > 0o777 {
				m.fail(errors.New("permissions of it make no sense"))
				return
			}
		}
		run--
		i.Mode = fs.FileMode(mode)
	}
	if run > 0 {
		m.fail(errors.New("it has permissions for more entries than there are"))
	}
}
