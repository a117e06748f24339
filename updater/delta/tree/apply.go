package tree

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// Apply builds the tree whose manifest has the signed digest want, in the empty folder out, and returns its manifest. A nil
// old is the empty tree. The old tree is read twice and never written; nothing else may change it meanwhile.
//
// [delta.ErrCorrupt] means that the patch is damaged, made for something else, or made to do harm; [ErrChanged]
// that the old tree is not the one it was made for; [ErrLinks] that this system cannot have the tree. Other errors are those
// of the disk or the context. After any error out is to be thrown away.
func Apply(ctx context.Context, old *os.Root, patch io.Reader, want Digest, out *os.Root) (Manifest, error) {
	src := &source{r: patch}
	b := &builder{ctx: ctx, oldRoot: old, out: out, in: bufio.NewReaderSize(src, 64<<10)}
	err := b.read(want)
	if err == nil {
		err = b.build()
	}
	switch {
	case err == nil:
		return b.manifest, nil
	case src.err != nil:
		err = src.err // not the patch's fault
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return Manifest{}, fmt.Errorf("apply tree patch: %w", err)
}

// IsPatch tells whether a patch begins like one of a tree. It is for tools.
func IsPatch(patch io.ReaderAt) bool {
	start := make([]byte, len(magic))
	_, _ = patch.ReadAt(start, 0)
	return string(start) == magic
}

// source remembers an error of what the patch is read from, to tell it from a bad patch.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

type builder struct {
	ctx      context.Context
	oldRoot  *os.Root
	out      *os.Root
	in       *bufio.Reader
	old      Manifest
	items    []item
	manifest Manifest
}

// read learns what is to be built, and proves it, before anything is written.
func (b *builder) read(want Digest) error {
	head, err := b.head()
	if err != nil {
		return err
	}
	b.old, err = scanOld(b.ctx, b.oldRoot)
	if errors.Is(err, ErrUnfit) || errors.Is(err, ErrLinks) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err != nil {
		return err
	}
	if len(head) < baseLength {
		return corrupt("its head is cut off")
	}
	if !bytes.Equal(head[:baseLength], base(b.old)) {
		return ErrChanged
	}
	items, err := decodeHead(head, b.old)
	if err != nil {
		return corrupt("its head: %v", err)
	}
	return b.prove(items, want)
}

// head reads the patch up to its records.
func (b *builder) head() ([]byte, error) {
	var start [len(magic)]byte
	if _, err := io.ReadFull(b.in, start[:]); err != nil || string(start[:]) != magic {
		return nil, corrupt("it is no patch of a tree, or made for newer programs")
	}
	length, err := b.number(maxHead)
	if err != nil {
		return nil, err
	}
	packed, err := b.number(maxHead)
	if err != nil {
		return nil, err
	}
	var head bytes.Buffer // grows with what is there, not with what was announced
	if packed == 0 {
		if _, err := io.CopyN(&head, b.in, length); err != nil {
			return nil, corrupt("its head is cut off")
		}
		return head.Bytes(), nil
	}
	if err := zstd.Decompress(b.ctx, io.LimitReader(b.in, packed), length, &head); err != nil {
		return nil, corrupt("its head: %v", err)
	}
	return head.Bytes(), nil
}

func (b *builder) number(limit int64) (int64, error) {
	n, err := binary.ReadUvarint(b.in)
	if err != nil || n > math.MaxInt64 || int64(n) > limit {
		return 0, corrupt("a number of it is missing or too large")
	}
	return int64(n), nil
}

func (b *builder) text(limit int64) (string, error) {
	length, err := b.number(limit)
	if err != nil {
		return "", err
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(b.in, text); err != nil {
		return "", corrupt("it ends too early")
	}
	return string(text), nil
}

// prove holds the items to the rules of a manifest, and that to the signed digest.
func (b *builder) prove(items []item, want Digest) error {
	entries := make([]Entry, len(items))
	links := false
	for n, i := range items {
		entries[n] = i.Entry
		links = links || i.Kind == Link
	}
	if err := check(entries); err != nil {
		return corrupt("%v", err)
	}
	b.manifest, b.items = Manifest{entries}, items
	if got := b.manifest.Digest(); got != want {
		return corrupt("it makes the tree %s, not %s", got, want)
	}
	if links && !linksWork {
		return ErrLinks
	}
	return nil
}

func (b *builder) build() error {
	if there, err := fs.ReadDir(b.out.FS(), "."); err != nil || len(there) > 0 {
		return errors.Join(err, fmt.Errorf("%s is not an empty folder", b.out.Name()))
	}
	for _, step := range []func() error{b.folders, b.filesAtHand, b.records, b.links, b.modes} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) folders() error {
	for _, i := range b.items {
		if i.Kind != Folder {
			continue
		}
		if err := b.out.Mkdir(i.Path, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// filesAtHand writes the files that need nothing of the patch: those of the old tree, and empty ones.
func (b *builder) filesAtHand() error {
	for _, i := range b.items {
		if i.Kind != File || i.needsRecord() {
			continue
		}
		if err := b.write(i, func(f *file) error { return b.copyOld(i, f) }); err != nil {
			return fmt.Errorf("%s: %w", i.Path, err)
		}
	}
	return nil
}

func (b *builder) copyOld(i item, f *file) error {
	if i.from == fresh {
		return nil
	}
	was, err := b.oldRoot.Open(b.old.entries[i.from].Path)
	if err != nil {
		return err
	}
	defer was.Close()
	if _, err := pump(b.ctx, f, was); err != nil {
		if errors.Is(err, errContent) {
			err = ErrChanged
		}
		return err
	}
	if !f.right() {
		return ErrChanged
	}
	return nil
}

// records writes the files that the patch carries.
func (b *builder) records() error {
	var rest []item
	for _, i := range b.items {
		if !i.needsRecord() {
			continue
		}
		name, err := b.text(maxCodecName)
		switch {
		case err != nil:
			return err
		case name == inRest:
			rest = append(rest, i)
			continue
		}
		codec, ok := delta.ByName(name)
		if !ok {
			return corrupt("it needs the codec %q, which this program does not have", name)
		}
		if err := b.delta(i, codec); err != nil {
			return fmt.Errorf("%s: %w", i.Path, err)
		}
	}
	return b.rest(rest)
}

func (b *builder) delta(i item, codec delta.Codec) error {
	from, err := b.number(int64(len(b.old.entries)) - 1)
	if err != nil {
		return err
	}
	length, err := b.number(maxDelta(i.Length))
	if err != nil {
		return err
	}
	if b.old.entries[from].Kind != File {
		return corrupt("a delta from what is no file")
	}
	was, section, err := openOld(b.oldRoot, b.old.entries[from])
	if err != nil {
		return err
	}
	defer was.Close()
	body := &io.LimitedReader{R: b.in, N: length}
	err = b.write(i, func(f *file) error { return codec.Apply(b.ctx, section, body, i.Length, f) })
	if err == nil && body.N > 0 {
		return corrupt("the delta goes on after the file's end")
	}
	return err
}

// openOld opens an old file as far as it was hashed.
func openOld(root *os.Root, e Entry) (*os.File, *io.SectionReader, error) {
	f, err := root.Open(e.Path)
	if err != nil {
		return nil, nil, err
	}
	return f, io.NewSectionReader(f, 0, e.Length), nil
}

// rest writes the files of the last frame, which must end the patch.
func (b *builder) rest(items []item) error {
	if len(items) == 0 {
		if _, err := b.in.ReadByte(); err != io.EOF {
			return corrupt("something follows its end")
		}
		return nil
	}
	w := &restWriter{b: b, items: items}
	defer w.abandon()
	var total int64
	for _, i := range items {
		total += i.Length
	}
	err := zstd.Decompress(b.ctx, b.in, total, w)
	if errors.Is(err, zstd.ErrCorrupt) {
		return corrupt("%v", err)
	}
	return err
}

func (b *builder) links() error {
	for _, i := range b.items {
		if i.Kind != Link {
			continue
		}
		if err := b.out.Symlink(i.Target, i.Path); err != nil {
			return err
		}
	}
	return nil
}

// modes goes backwards, so that a folder loses its write permission after what lies in it is done.
func (b *builder) modes() error {
	for _, i := range slices.Backward(b.items) {
		if i.Kind == Link {
			continue
		}
		if err := setMode(b.out, i.Entry); err != nil {
			return err
		}
	}
	return nil
}
