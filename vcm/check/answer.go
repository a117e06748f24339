package check

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	maxRequest = 4 << 10 // bytes of a check's body
	maxRoots   = 256     // in one answer
	maxVersion = 1<<53 - 1
	// maxAnswer is what an answer may hold, in bytes before it is packed: what is
	// beyond it, clients ask for by name.
	maxAnswer = 12 << 20
	// worthPacking is from how many bytes on gzip is tried.
	worthPacking = 256
	// maxReady bounds the answers that are kept ready, in bytes.
	maxReady = 32 << 20
)

// request is what a client says of itself: which app it is, which version of
// each role it has, and which timestamp of that version.
type request struct {
	App   string           `json:"app"`
	Have  map[string]int64 `json:"have"`
	Stamp string           `json:"stamp"`
}

func parse(body []byte) (request, error) {
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return request{}, fmt.Errorf(`send a JSON object such as {"app":"notes","have":{"root":1}}: %w`, err)
	}
	if err := release.CheckApp(r.App); err != nil {
		return request{}, err
	}
	for role, version := range r.Have {
		if version < 0 || version > maxVersion {
			return request{}, fmt.Errorf("have: version %d of %.80q is not one: 0 to %d", version, role, int64(maxVersion))
		}
	}
	return r, nil
}

func (s *Service) serveCheck(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		s.refuse(w, fmt.Errorf("a check has at most %d bytes and arrives whole: %w", maxRequest, err))
		return
	}
	ask, err := parse(body)
	if err != nil {
		s.refuse(w, err)
		return
	}
	v, err := s.view()
	if err != nil {
		s.unreadable(w, err)
		return
	}
	if !v.carries(ask.App) {
		s.refuse(w, errNotCarried)
		return
	}
	names := v.wanted(ask)
	answer := v.answer(names, s.opts.Next.Seconds())
	if len(names) == 0 {
		s.count.unchanged.Add(1)
	} else {
		s.count.changed.Add(1)
	}
	s.send(w, r, answer)
}

var errNotCarried = errors.New("this feed does not carry that app")

func (s *Service) refuse(w http.ResponseWriter, err error) {
	s.count.refused.Add(1)
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// unreadable has no Retry-After: clients shall look among the files at once.
func (s *Service) unreadable(w http.ResponseWriter, err error) {
	s.count.failed.Add(1)
	s.opts.Log.Error("feed cannot be read", "err", err)
	http.Error(w, "the feed cannot be read at present", http.StatusServiceUnavailable)
}

func (s *Service) send(w http.ResponseWriter, r *http.Request, a encoded) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	body := a.plain
	if a.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	n, _ := w.Write(body) // a client that has gone hears no error
	s.count.bytes.Add(int64(n))
}

// wanted lists the files that the client does not have, in the order in which it
// needs them. A version that is not the feed's is sent, be it older or newer:
// after a recovery, versions can go back, and what to accept is the client's to
// decide.
func (v *view) wanted(r request) []string {
	var names []string
	newest := v.roles["root"]
	for version := r.Have["root"] + 1; version <= newest && len(names) < maxRoots; version++ {
		names = append(names, versioned("root", version))
	}
	if r.Have["timestamp"] != v.version || r.Stamp != "" && r.Stamp != v.tag {
		names = append(names, "timestamp.json")
	}
	for _, role := range append([]string{"snapshot"}, appRoles(r.App)...) {
		if held := v.roles[role]; held > 0 && held != r.Have[role] {
			names = append(names, v.name(role))
		}
	}
	return names
}

// encoded is an answer, ready to be sent.
type encoded struct {
	plain  []byte
	packed []byte // nil where it does not pay
}

// answer returns the answer with these files, which most clients share.
func (v *view) answer(names []string, next float64) encoded {
	key := strings.Join(names, " ")
	if a, ok := v.kept(key); ok {
		return a
	}
	v.making.Lock()
	defer v.making.Unlock()
	if a, ok := v.kept(key); ok {
		return a
	}
	made := pack(v.encode(names, next))
	v.keep(key, made)
	return made
}

func (v *view) kept(key string) (encoded, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, ok := v.ready[key]
	return a, ok
}

func (v *view) keep(key string, a encoded) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.packed += len(a.plain) + len(a.packed) + len(key); v.packed > maxReady {
		clear(v.ready)
		v.packed = 0
	}
	v.ready[key] = a
}

// encode writes each file as it is. One that cannot be read is left out: the
// client will ask for it by name.
func (v *view) encode(names []string, next float64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"next":%.0f`, next)
	comma := `,"files":{`
	for _, name := range names {
		data := v.stamp
		if name != "timestamp.json" {
			var err error
			if data, err = v.read(name); err != nil {
				v.log.Warn("a file is left out of answers", "file", name, "err", err)
				continue
			}
			if b.Len()+len(data) > maxAnswer {
				continue
			}
		}
		fmt.Fprintf(&b, "%s%q:", comma, name)
		b.Write(data)
		comma = ","
	}
	if comma == "," {
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes()
}

func pack(plain []byte) encoded {
	if len(plain) < worthPacking {
		return encoded{plain: plain}
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level that exists
	_, _ = z.Write(plain)                                 // into memory
	_ = z.Close()
	if b.Len() >= len(plain) {
		return encoded{plain: plain}
	}
	return encoded{plain, b.Bytes()}
}
