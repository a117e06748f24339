package receive

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// kept is what stays of a proposal.
type kept struct {
	App      string `json:"app"`
	Document []byte `json:"document"`
}

func (k kept) id() string { return release.Digest(sha256.Sum256(k.Document)).String() }

// keep remembers the proposal.
func (r *Receiver) keep(p *proposal) error {
	if n, err := r.size(p.folder() + "/" + proposalFile); err != nil || n >= 0 {
		return err
	}
	r.sweep()
	open, err := fs.ReadDir(r.o.Dir.FS(), incoming)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(open) >= r.o.MaxOpen {
		return &problem{status: http.StatusServiceUnavailable, retry: 600,
			text: fmt.Sprintf("%d proposals wait for their files already; end one of them, or come back later", len(open))}
	}
	data, err := json.Marshal(p.kept)
	if err != nil {
		return err
	}
	if err := r.o.Dir.MkdirAll(p.folder(), 0o700); err != nil {
		return err
	}
	r.o.Log.Info("release proposed", "app", p.App, "version", p.Version, "id", p.id())
	return durable.WriteFile(r.o.Dir, p.folder()+"/"+proposalFile, data, 0o600)
}

const proposalFile = "proposal.json"

// load takes a proposal up again, and asks the repository again.
func (r *Receiver) load(id string) (*proposal, error) {
	k, err := r.read(id)
	if err != nil {
		return nil, err
	}
	return r.examine(k)
}

var errUnknown = &problem{status: http.StatusNotFound, text: "there is no such proposal; propose the document first"}

func (r *Receiver) read(id string) (kept, error) {
	var k kept
	if sum, err := release.ParseDigest(id); err != nil || sum.String() != id {
		return k, errUnknown
	}
	data, err := r.o.Dir.ReadFile(incoming + "/" + id + "/" + proposalFile)
	if errors.Is(err, fs.ErrNotExist) {
		return k, errUnknown
	}
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(data, &k); err != nil || !strings.EqualFold(k.id(), id) {
		return k, fmt.Errorf("proposal %s is damaged: %w", id, errors.Join(err, errUnknown))
	}
	return k, nil
}
