package derived_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// resign gives a Mach-O file the kind of signature that a Developer ID has: a directory with SHA-1 and one with SHA-256
// hashes, both with special slots before the pages', requirements, entitlements, and a CMS blob that nobody can make again.
func resign(t testing.TB, file []byte, team string) []byte {
	t.Helper()
	be, le := binary.BigEndian, binary.LittleEndian
	command := 32
	for le.Uint32(file[command:]) != 0x1d {
		command += int(le.Uint32(file[command+4:]))
	}
	limit := le.Uint32(file[command+8:])
	out := bytes.Clone(file[:limit])

	pages := (limit + 4095) / 4096
	sizes := []uint32{sha1.Size, sha256.Size}
	blobs := [][]byte{
		directory(limit, pages, 1, sizes[0], team),
		directory(limit, pages, 2, sizes[1], team),
		append([]byte{0xfa, 0xde, 0x0c, 0x01, 0, 0, 0, 12}, "reqs"...),
		append([]byte{0xfa, 0xde, 0x71, 0x71, 0, 0, 0, 20}, "entitlements"...),
		noise(4000, team),
	}
	sig := be.AppendUint32(nil, 0xfade0cc0)
	size := 12 + 8*len(blobs)
	at := size
	for _, b := range blobs {
		size += len(b)
	}
	sig = be.AppendUint32(sig, uint32(size))
	sig = be.AppendUint32(sig, uint32(len(blobs)))
	for i, b := range blobs {
		sig = be.AppendUint32(sig, []uint32{0, 0x1000, 2, 5, 0x10000}[i])
		sig = be.AppendUint32(sig, uint32(at))
		at += len(b)
	}
	sig = append(sig, bytes.Join(blobs, nil)...)
	sig = append(sig, make([]byte, 16-len(sig)%16)...)
	le.PutUint32(out[command+12:], uint32(len(sig)))

	// Now that the header is final, hash.
	for i, blob := range []int{int(be.Uint32(sig[16:])), int(be.Uint32(sig[24:]))} {
		slots := sig[blob+int(be.Uint32(sig[blob+16:])):]
		for p := range int(pages) {
			page := out[p*4096 : min((p+1)*4096, len(out))]
			sum := sha256.Sum256(page)
			if i == 0 {
				short := sha1.Sum(page)
				copy(sum[:], short[:])
			}
			copy(slots[uint32(p)*sizes[i]:][:sizes[i]], sum[:])
		}
	}
	return append(out, sig...)
}

func directory(limit, pages uint32, kind byte, size uint32, team string) []byte {
	const head, special = 88, 7
	be := binary.BigEndian
	names := "com.example.app\x00" + team + "\x00"
	b := make([]byte, head, head+len(names)+int((special+pages)*size))
	b = append(b, names...)
	b = append(b, noise(int(special*size), names)...)
	for i, v := range []uint32{0xfade0c02, 0, 0x20500, 0x10000, uint32(len(b)), head, special, pages, limit} {
		be.PutUint32(b[4*i:], v)
	}
	b[36], b[37], b[39] = byte(size), kind, 12
	b = b[:uint32(len(b))+pages*size]
	be.PutUint32(b[4:], uint32(len(b)))
	return b
}

func noise(n int, seed string) []byte {
	r := rand.NewChaCha8(sha256.Sum256([]byte(seed)))
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func TestOnlyThePageHashesOfASignatureAreMadeAgain(t *testing.T) {
	_, file := sample.Pair(t, sample.Target{OS: "darwin", Arch: "arm64"})
	for _, team := range []string{"TEAM123456", "T"} {
		file := resign(t, file, team)
		m := parse(t, file)
		tables := derived.Read(m)
		tables.Verify(m, derived.Entries(m))
		spans, ok := tables.Spans(m, uint64(len(file)))
		if !ok || len(tables.Directories) != 2 {
			t.Fatalf("%d directories", len(tables.Directories))
		}
		slots := 0
		for _, s := range spans {
			if s.Kind != derived.Slots {
				continue
			}
			slots += int(s.Size)
			if !bytes.Equal(regenerate(t, m, tables, s), file[s.Off:s.End()]) {
				t.Errorf("span %+v came out different", s)
			}
		}
		if pages := (int(tables.Directories[0].Limit) + 4095) / 4096; slots != pages*(sha1.Size+sha256.Size) {
			t.Errorf("%d bytes of hashes for %d pages", slots, pages)
		}
	}
}

func TestWhatIsHashedTooEarlyIsAnError(t *testing.T) {
	d := derived.Directory{Off: 10000, Count: 3, Limit: 9000, PageBits: 12, Hash: 2}
	pages := derived.NewPages([]derived.Directory{d})
	_, _ = pages.Write(make([]byte, 8999))
	if _, err := pages.Append(nil, 0); err == nil {
		t.Error("the hash of a page that is not there")
	}
	_, _ = pages.Write(make([]byte, 500))
	if b, err := pages.Append(nil, 0); err != nil || len(b) != 96 {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}

func TestDirectoriesThatCannotBeAreLeftAlone(t *testing.T) {
	_, file := sample.Pair(t, sample.Target{OS: "darwin", Arch: "arm64"})
	whole := parse(t, resign(t, file, "TEAM123456"))
	good := derived.Read(whole).Directories
	head := bytes.Index(whole.Data, binary.BigEndian.AppendUint32(nil, 0xfade0c02))
	for name, change := range map[string]func(d []byte){
		"another magic":      func(d []byte) { d[3] = 0x13 },
		"a limit behind it":  func(d []byte) { binary.BigEndian.PutUint32(d[32:], uint32(len(whole.Data))) },
		"too many pages":     func(d []byte) { d[28] = 0xff },
		"too few pages":      func(d []byte) { d[31]-- },
		"hashes outside":     func(d []byte) { d[16] = 0x7f },
		"an unknown hash":    func(d []byte) { d[37] = 9 },
		"a size not its own": func(d []byte) { d[36] = 32 },
		"endless pages":      func(d []byte) { d[39] = 0 },
		"tiny pages":         func(d []byte) { d[39] = 1 },
	} {
		m := *whole
		m.Data = bytes.Clone(whole.Data)
		change(m.Data[head:])
		if got := derived.Read(&m).Directories; len(got) != 1 || got[0] != good[1] {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
