package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// part is the unfinished file on disk, and its map beside it.
type part struct {
	path     string // of the finished file
	file     *os.File
	ledger   *ledger
	segments Segments

	mu    sync.Mutex // of the map
	noted sidecar    // what it says
	gone  bool
}

// open finds what an earlier call left. whole means that the finished file is there; then the part is not open.
func (p *part) open(ctx context.Context) (tags map[string]string, whole bool, err error) {
	if whole, err := p.adopt(); whole || err != nil {
		return nil, whole, err
	}
	p.file, err = os.OpenFile(p.path+partSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, diskError(err)
	}
	sparse(p.file)
	info, err := p.file.Stat()
	if err != nil {
		p.file.Close()
		return nil, false, diskError(err)
	}
	known := readSidecar(p.path+mapSuffix, p.ledger.length)
	for _, s := range known.spans() {
		p.ledger.have.add(span{s.from, min(s.to, info.Size())})
	}
	if err := p.reprove(ctx, info.Size()); err != nil {
		p.file.Close()
		return nil, false, err
	}
	return known.Tags, false, nil
}

// adopt looks at what lies under the finished name. A file of the right length is finished; where segments can tell, they say so in the
// next step. A shorter one was left by an earlier version, which downloaded from the beginning to the end.
func (p *part) adopt() (whole bool, err error) {
	info, err := os.Lstat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, diskError(err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: %s is no file", errDisk, p.path)
	case info.Size() == p.ledger.length && p.segments.none():
		p.ledger.have.add(span{0, info.Size()})
		return true, nil
	case info.Size() > p.ledger.length:
		return false, diskError(os.Remove(p.path))
	}
	if err := os.Rename(p.path, p.path+partSuffix); err != nil {
		return false, diskError(err)
	}
	return false, diskError(writeSidecar(p.path+mapSuffix, sidecar{Length: p.ledger.length, Have: [][2]int64{{0, max(info.Size(), 1)}}}))
}

// reprove checks every segment that lies on disk as a whole, whatever the map says: the map may be older than the file, and the disk may have
// lost what the map promises.
func (p *part) reprove(ctx context.Context, size int64) error {
	if p.segments.none() {
		return nil
	}
	h, buf := p.segments.New(), make([]byte, min(p.segments.Size, bufferSize))
	for from := int64(0); from < size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		block := p.ledger.blockAt(from)
		from = block.to
		if block.to > size {
			break // it stays what the map says: a beginning
		}
		good, err := p.check(block, h, buf)
		switch {
		case err != nil:
			return diskError(err)
		case good:
			p.ledger.prove(block)
		case p.ledger.wholeBlock(block):
			p.ledger.damaged(block, nil)
		}
	}
	return nil
}

// check compares a block on disk with its hash.
func (p *part) check(block span, h hash.Hash, buf []byte) (good bool, err error) {
	h.Reset()
	if _, err := io.CopyBuffer(onlyWriter{h}, io.NewSectionReader(p.file, block.from, block.size()), buf); err != nil {
		return false, err
	}
	return p.equal(block, h), nil
}

// onlyWriter keeps io.CopyBuffer from finding a way around its buffer.
type onlyWriter struct{ io.Writer }

func (p *part) equal(block span, h hash.Hash) bool {
	size := int64(h.Size())
	n := block.from / p.ledger.block * size
	return bytes.Equal(h.Sum(nil), p.segments.Sums[n:n+size])
}

// complete tells whether every byte is there and, where they can be, proven.
func (p *part) complete() bool {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	whole := span{0, p.ledger.length}
	return p.ledger.have.has(whole) && (p.segments.none() || p.ledger.proven.has(whole))
}

// space makes sure that what is missing, and so many bytes more, fit on the disk.
func (p *part) space(extra int64) error {
	folder := filepath.Dir(p.path)
	free, err := freeSpace(folder)
	if err != nil {
		return diskError(err)
	}
	if need := p.ledger.length - p.ledger.done() + extra; need > free {
		return &SpaceError{Need: need, Free: free, Folder: folder}
	}
	return nil
}

// remember writes the map, where position has changed. What cannot be proven again later is synced first, so that the map promises nothing that
// a power cut takes back.
func (p *part) remember(position func() sidecar) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := position()
	if p.gone || now.equal(p.noted) {
		return nil
	}
	if p.segments.none() {
		if err := p.file.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return diskError(err)
		}
	}
	if err := writeSidecar(p.path+mapSuffix, now); err != nil {
		return diskError(err)
	}
	p.noted = now
	return nil
}

// finish gives the file its name.
func (p *part) finish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	// What once was longer than the file is now has rest behind it.
	if info, err := p.file.Stat(); err != nil || info.Size() != p.ledger.length {
		if err := errors.Join(err, p.file.Truncate(p.ledger.length)); err != nil {
			return diskError(err)
		}
	}
	if err := p.file.Close(); err != nil {
		return diskError(err)
	}
	if err := os.Rename(p.path+partSuffix, p.path); err != nil {
		return diskError(err)
	}
	p.removeMap()
	return nil
}

// discard deletes everything.
func (p *part) discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	_ = p.file.Close()
	_ = os.Remove(p.path + partSuffix)
	p.removeMap()
}

func (p *part) removeMap() {
	_ = os.Remove(p.path + mapSuffix)
	_ = os.Remove(p.path + mapSuffix + ".new")
}

func (p *part) close() { p.file.Close() }

// proof checks segments as they arrive, for one request.
type proof struct {
	part   *part
	hash   hash.Hash
	hashed int64 // the hash covers its block up to here
}

func newProof(p *part) *proof { return &proof{part: p, hash: p.segments.New(), hashed: -1} }

// arrived takes bytes that are on disk and in the ledger. It returns the block that they complete, empty when they complete none, and
// whether it is what it should be. b may not reach over the end of a block.
func (p *proof) arrived(at int64, b []byte) (done span, good bool, err error) {
	block := p.part.ledger.blockAt(at)
	if at == block.from {
		p.hash.Reset()
		p.hashed = at
	}
	if p.hashed == at {
		_, _ = p.hash.Write(b) // a hash takes everything
		p.hashed += int64(len(b))
	}
	switch {
	case p.hashed == block.to:
		p.hashed = -1
		return block, p.part.equal(block, p.hash), nil
	case !p.part.ledger.wholeBlock(block):
		return span{}, true, nil
	}
	// Some of it was there before, or came by another request.
	p.hashed = -1
	good, err = p.part.check(block, p.hash, make([]byte, bufferSize))
	return block, good, err
}
