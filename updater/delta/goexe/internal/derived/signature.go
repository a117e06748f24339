package derived

import (
	"crypto/sha1" // what older signatures hold; nothing of ours trusts it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"sort"
)

// Directory is where a code directory of a Mach-O signature keeps the hashes of the file's pages.
type Directory struct {
	Off      uint64 // of the first page's hash, in the file
	Count    uint64 // of pages
	Limit    uint64 // the pages cover the file up to here; at most Off
	PageBits uint8  // log2 of a page's size: 12 to 16
	Hash     uint8  // hashSHA1 to hashSHA384
}

// The hashes that directories use.
const (
	hashSHA1        = 1
	hashSHA256      = 2
	hashSHA256Short = 3 // the first 20 bytes of it
	hashSHA384      = 4
)

const (
	maxDirectories = 4 // each costs the patcher one more hash over the file; signers write one or two
	minPageBits    = 12
	maxPageBits    = 16
)

// hashes has for each hash how it is made, and how many bytes of it are kept.
var hashes = [...]struct {
	make func() hash.Hash
	size uint64
}{
	hashSHA1:        {sha1.New, 20},
	hashSHA256:      {sha256.New, 32},
	hashSHA256Short: {sha256.New, 20},
	hashSHA384:      {sha512.New384, 48},
}

// Size returns how many bytes the hashes take.
func (d Directory) Size() uint64 { return d.Count * hashes[d.Hash].size }

func (d Directory) pages() uint64 { return (d.Limit + 1<<d.PageBits - 1) >> d.PageBits }

// valid tells whether there can be such a directory in a file of that size.
func (d Directory) valid(size uint64) bool {
	return d.Hash > 0 && int(d.Hash) < len(hashes) &&
		d.PageBits >= minPageBits && d.PageBits <= maxPageBits &&
		d.Limit > 0 && d.Limit <= d.Off && d.Off <= size &&
		d.Count == d.pages() &&
		d.Size() <= size-d.Off
}

const (
	magicSignature = 0xfade0cc0
	magicDirectory = 0xfade0c02
	directoryHead  = 44
)

// directories reads the signature, a list of blobs with an index in front, and returns what it can of its directories.
func (l loads) directories(file []byte) []Directory {
	be := binary.BigEndian
	sig := cut(file, l.sign.off, l.sign.size)
	if len(sig) < 12 || be.Uint32(sig) != magicSignature {
		return nil
	}
	var list []Directory
	index := sig[12:]
	for n := be.Uint32(sig[8:]); n > 0 && len(index) >= 8 && len(list) < maxDirectories; n-- {
		at := uint64(be.Uint32(index[4:]))
		index = index[8:]
		if d, ok := readDirectory(cut(sig, at, directoryHead)); ok {
			d.Off += l.sign.off + at
			if d.valid(uint64(len(file))) {
				list = append(list, d)
			}
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Off < list[j].Off })
	for i := 1; i < len(list); i++ {
		if list[i-1].Off+list[i-1].Size() > list[i].Off {
			return nil
		}
	}
	return list
}

// readDirectory reads a code directory's head; Off counts from its start.
func readDirectory(b []byte) (Directory, bool) {
	be := binary.BigEndian
	if b == nil || be.Uint32(b) != magicDirectory {
		return Directory{}, false
	}
	d := Directory{
		Off:      uint64(be.Uint32(b[16:])),
		Count:    uint64(be.Uint32(b[28:])),
		Limit:    uint64(be.Uint32(b[32:])),
		Hash:     b[37],
		PageBits: b[39],
	}
	return d, d.Hash > 0 && int(d.Hash) < len(hashes) && uint64(b[36]) == hashes[d.Hash].size
}
