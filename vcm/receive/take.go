package receive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// take receives one file of a proposal, or the rest of one. What came stays
// when the connection breaks.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request) (any, error) {
	done, err := enter(r.slots)
	if err != nil {
		return nil, err
	}
	defer done()
	p, err := r.load(req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	b, ok := p.blobs[req.PathValue("path")]
	if !ok {
		return nil, &problem{status: http.StatusNotFound, text: "the proposed document names no such file, or it is published"}
	}
	from, err := offset(req, b)
	if err != nil {
		return nil, err
	}
	part := p.part(b)
	if !r.claim(part) {
		return nil, &problem{status: http.StatusLocked, retry: 2, text: "this file is being sent by another connection"}
	}
	defer r.release(part)
	body := http.MaxBytesReader(w, &patient{req.Body, http.NewResponseController(w), r.o.Idle}, b.Length-from)
	return r.append(part, b, from, body)
}

// append writes body behind the first bytes of a part, which came before.
func (r *Receiver) append(part string, b release.Blob, from int64, body io.Reader) (any, error) {
	f, err := r.o.Dir.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUnknown // published or swept in this moment
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if n, err := hashed(f, sum, from); err != nil {
		return nil, err
	} else if n < from {
		return nil, &problem{status: http.StatusConflict, text: fmt.Sprintf("only %d bytes are here", n), body: missing(b, n)}
	}
	if err := f.Truncate(from); err != nil {
		return nil, err
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	into := &disk{f: f}
	n, err := io.Copy(io.MultiWriter(into, sum), body)
	switch {
	case into.err != nil:
		r.o.Log.Error("a file cannot be stored", "path", b.Path, "err", into.err)
		return nil, &problem{status: http.StatusInsufficientStorage, text: "the server cannot store the file; its disk may be full"}
	case err != nil || from+n < b.Length:
		return nil, &problem{status: http.StatusBadRequest, text: fmt.Sprintf("%d of %d bytes arrived; continue from there", from+n, b.Length), body: missing(b, from+n)}
	case release.Digest(sum.Sum(nil)) != b.SHA256:
		return nil, errors.Join(&problem{status: http.StatusUnprocessableEntity, text: "what arrived has another SHA-256 than is signed, and was dropped"}, f.Truncate(0))
	}
	return missing(b, b.Length), f.Close()
}

func missing(b release.Blob, have int64) vcm.Missing {
	return vcm.Missing{Path: b.Path, Length: b.Length, SHA256: b.SHA256, Have: have}
}

// hashed reads the first n bytes of a file, or as many as there are.
func hashed(f *os.File, sum hash.Hash, n int64) (int64, error) {
	if n == 0 {
		return 0, nil
	}
	return io.Copy(sum, io.NewSectionReader(f, 0, n))
}

var contentRange = regexp.MustCompile(`^bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})$`)

// offset is where the body belongs. It must reach the file's end.
func offset(req *http.Request, b release.Blob) (int64, error) {
	var from int64
	if value := req.Header.Get("Content-Range"); value != "" {
		m := contentRange.FindStringSubmatch(value)
		if m == nil {
			return 0, &problem{status: http.StatusBadRequest, text: fmt.Sprintf("Content-Range %.80q: write it like bytes 100-199/200", value)}
		}
		from, _ = strconv.ParseInt(m[1], 10, 64)
		if m[2] != fmt.Sprint(b.Length-1) || m[3] != fmt.Sprint(b.Length) || from >= b.Length {
			return 0, &problem{status: http.StatusRequestedRangeNotSatisfiable, text: fmt.Sprintf("the file has %d bytes, of which the rest must be sent", b.Length)}
		}
	}
	if req.ContentLength != b.Length-from {
		return 0, &problem{status: http.StatusBadRequest, text: fmt.Sprintf("%d bytes are announced, and %d are missing", req.ContentLength, b.Length-from)}
	}
	return from, nil
}

// disk tells trouble with writing from trouble with the sender.
type disk struct {
	f   *os.File
	err error
}

func (d *disk) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	d.err = err
	return n, err
}

// patient gives a sender time for as long as something comes.
type patient struct {
	io.ReadCloser
	conn *http.ResponseController
	idle time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	if err := wait(p.conn, p.idle); err != nil {
		return 0, err
	}
	return p.ReadCloser.Read(b)
}

// wait lets what is read from now on take so long, where the server can bound that.
func wait(conn *http.ResponseController, long time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(long)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// claim makes this request the only one that writes to a part.
func (r *Receiver) claim(part string) bool {
	r.busyMu.Lock()
	defer r.busyMu.Unlock()
	if r.busy[part] {
		return false
	}
	r.busy[part] = true
	return true
}

func (r *Receiver) release(part string) {
	r.busyMu.Lock()
	defer r.busyMu.Unlock()
	delete(r.busy, part)
}

func (r *Receiver) isBusy(prefix string) bool {
	r.busyMu.Lock()
	defer r.busyMu.Unlock()
	for part := range r.busy {
		if strings.HasPrefix(part, prefix) {
			return true
		}
	}
	return false
}
