package tree

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// Diff writes a patch that turns the old tree into the new one, whose manifest it returns. A nil old is the empty tree. For
// each file that is new, every codec is tried on the old file most like it, applied again and compared; the smallest
// delta wins if it is smaller than the compressed file. Codecs that cannot handle a file are passed over.
//
// Neither tree may change meanwhile. progress may be nil.
func Diff(ctx context.Context, old, new *os.Root, codecs []delta.Codec, patch io.Writer, progress func(Progress)) (Manifest, error) {
	d := &differ{ctx: ctx, oldRoot: old, newRoot: new, codecs: codecs, patch: patch, progress: progress}
	if err := d.run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Manifest{}, fmt.Errorf("make tree patch: %w", err)
	}
	return d.manifest, nil
}

type differ struct {
	ctx      context.Context
	oldRoot  *os.Root
	newRoot  *os.Root
	codecs   []delta.Codec
	patch    io.Writer
	progress func(Progress)

	old      Manifest
	manifest Manifest
	items    []item
	done     int64
	total    int64
}

func (d *differ) run() error {
	var err error
	if d.old, err = scanOld(d.ctx, d.oldRoot); err != nil {
		return err
	}
	if d.manifest, err = Scan(d.ctx, d.newRoot); err != nil {
		return err
	}
	d.total = d.manifest.Size()
	d.items = match(d.old, d.manifest)
	if err := d.head(); err != nil {
		return err
	}
	rest, err := d.records()
	if err != nil {
		return err
	}
	return d.rest(rest)
}

// match finds the new files whose content an old file has.
func match(old, new Manifest) []item {
	has := make(map[Digest]int, len(old.entries))
	at := make(map[string]int, len(old.entries))
	for n, e := range old.entries {
		if e.Kind != File {
			continue
		}
		at[e.Path] = n
		if _, taken := has[e.SHA256]; !taken {
			has[e.SHA256] = n
		}
	}
	items := make([]item, len(new.entries))
	for n, e := range new.entries {
		items[n] = item{e, fresh}
		if e.Kind != File {
			continue
		}
		if same, ok := at[e.Path]; ok && old.entries[same].SHA256 == e.SHA256 {
			items[n].from = same
		} else if moved, ok := has[e.SHA256]; ok {
			items[n].from = moved
		}
	}
	return items
}

func (d *differ) head() error {
	head, err := packHead(d.ctx, encodeHead(d.old, d.items))
	if err != nil {
		return err
	}
	_, err = d.patch.Write(append([]byte(magic), head...))
	return err
}

// records writes the record of each file that needs one and returns those that go into the rest.
func (d *differ) records() (rest []item, err error) {
	like := newLikeness(d.old, d.items)
	for _, i := range d.items {
		if !i.needsRecord() {
			if i.Kind == File {
				d.tell(i)
			}
			continue
		}
		record, err := d.record(i, like.to(i.Entry))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i.Path, err)
		}
		if _, err := d.patch.Write(record); err != nil {
			return nil, err
		}
		if len(record) == 1 { // no codec, so the file is in the rest
			rest = append(rest, i)
		} else {
			d.tell(i)
		}
	}
	return rest, nil
}

func (d *differ) tell(i item) {
	d.done += i.Length
	if d.progress != nil {
		d.progress(Progress{Path: i.Path, Done: d.done, Total: d.total})
	}
}

// record is the smallest for a file, given the number of the old file most like it, or fresh.
func (d *differ) record(i item, from int) ([]byte, error) {
	full := appendText(nil, inRest)
	if from == fresh || len(d.codecs) == 0 {
		return full, nil
	}
	was, old, err := openOld(d.oldRoot, d.old.entries[from])
	if err != nil {
		return nil, err
	}
	defer was.Close()
	f, new, err := openOld(d.newRoot, i.Entry)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	choice, err := delta.Choose(d.ctx, old, new, i.SHA256, delta.Options{Codecs: d.codecs})
	if err != nil {
		return nil, err
	}
	if choice.Codec == delta.Full || int64(len(choice.Patch)) > maxDelta(i.Length) {
		return full, nil
	}
	record := appendText(nil, choice.Codec)
	record = binary.AppendUvarint(record, uint64(from))
	record = binary.AppendUvarint(record, uint64(len(choice.Patch)))
	return append(record, choice.Patch...), nil
}

// rest compresses files one after the other into one frame.
func (d *differ) rest(items []item) error {
	if len(items) == 0 {
		return nil
	}
	r := &restReader{d: d, items: items}
	defer r.abandon()
	return zstd.Compress(d.ctx, r, d.patch, nil)
}

// restReader reads files one after the other and compares them with what was scanned.
type restReader struct {
	d     *differ
	items []item // those not read yet; the first may be under way
	f     *os.File
	tee   io.Reader
	sum   interface{ Sum([]byte) []byte }
}

func (r *restReader) Read(p []byte) (int, error) {
	for len(r.items) > 0 {
		if r.f == nil {
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		n, err := r.tee.Read(p)
		if errors.Is(err, io.EOF) {
			err = r.next()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

func (r *restReader) open() error {
	f, section, err := openOld(r.d.newRoot, r.items[0].Entry)
	if err != nil {
		return err
	}
	sum := sha256.New()
	r.f, r.tee, r.sum = f, io.TeeReader(section, sum), sum
	return nil
}

func (r *restReader) next() error {
	i := r.items[0]
	r.f.Close()
	r.f, r.items = nil, r.items[1:]
	if Digest(r.sum.Sum(nil)) != i.SHA256 {
		return fmt.Errorf("%s changed meanwhile", i.Path)
	}
	r.d.tell(i)
	return nil
}

func (r *restReader) abandon() {
	if r.f != nil {
		r.f.Close()
	}
}
