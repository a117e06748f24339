package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// A sidecar is what lies beside an unfinished file: which parts of it are there, and what recognises the server's file. It is only a hint:
// where segments have hashes they are proven anew, and losing it costs the download from its start at worst.
type sidecar struct {
	Length int64             `json:"length"`
	Have   [][2]int64        `json:"have"`           // from, to; in order
	Tags   map[string]string `json:"tags,omitempty"` // by address
}

const (
	sidecarBytes = 256 << 10 // more than any that we write
	sidecarSpans = 4096
	sidecarTags  = 16
)

func (s sidecar) spans() (set spans) {
	for _, h := range s.Have {
		set.add(span{h[0], h[1]})
	}
	return set
}

func (s sidecar) equal(o sidecar) bool {
	return s.Length == o.Length && slices.Equal(s.Have, o.Have) && maps.Equal(s.Tags, o.Tags)
}

// parseSidecar reads one for a file of that length.
func parseSidecar(b []byte, length int64) (s sidecar, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return sidecar{}, err
	}
	if s.Length != length || len(s.Have) > sidecarSpans || len(s.Tags) > sidecarTags {
		return sidecar{}, errors.New("it is for another file")
	}
	end := int64(0)
	for _, h := range s.Have {
		if h[0] < end || h[1] <= h[0] || h[1] > length {
			return sidecar{}, fmt.Errorf("parts out of order at %d", h[0])
		}
		end = h[1]
	}
	for _, tag := range s.Tags {
		if !validTag(tag) {
			return sidecar{}, errors.New("a tag that cannot be sent")
		}
	}
	return s, nil
}

// readSidecar returns an empty one when there is none to go by.
func readSidecar(path string, length int64) sidecar {
	f, err := os.Open(path)
	if err != nil {
		return sidecar{}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, sidecarBytes))
	if err != nil {
		return sidecar{}
	}
	s, err := parseSidecar(b, length)
	if err != nil {
		return sidecar{}
	}
	return s
}

// writeSidecar replaces the one there is as a whole.
func writeSidecar(path string, s sidecar) error {
	if len(s.Have) > sidecarSpans {
		s.Have = s.Have[:sidecarSpans]
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
