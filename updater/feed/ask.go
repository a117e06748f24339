package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/wire"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	// maxAnswer limits the answer of the check endpoint, in bytes, unpacked: a
	// first check may bring every file at once.
	maxAnswer = 16 << 20
	// minNext and maxNext bound when a server can want the next check: neither
	// at once again, nor so late that it keeps news away. A push stream has the
	// same bound.
	minNext = time.Minute
	maxNext = 24 * time.Hour
)

// errNoEndpoint: what answers at Options.CheckURL is no check endpoint.
var errNoEndpoint = errors.New("there is no check endpoint")

// found is a state of the feed that was proven.
type found struct {
	trusted *trustedmetadata.TrustedMetadata
	next    time.Duration
}

// ask reaches a proven state: through the endpoint, where there is one, and else,
// or when that fails in whatever way, from files. The same workflow judges both.
func (c *Client) ask(ctx context.Context, asker *wire.Asker, kept *state, now time.Time) (found, error) {
	files := func(name string, limit int64) ([]byte, error) {
		return asker.Metadata(ctx, c.opts.URL+"metadata/"+name, limit)
	}
	if c.opts.CheckURL == "" || kept.endpointMissing(c.opts.CheckURL, now) {
		trusted, err := c.prove(kept, files, now)
		return found{trusted: trusted}, err
	}
	through, err := c.askEndpoint(ctx, asker, kept, files, now)
	if err == nil || ctx.Err() != nil || isFinal(err) {
		return through, err
	}
	c.opts.Log.Info("check endpoint is of no use now, asking for files", "err", err)
	trusted, fileErr := c.prove(kept, files, now)
	if fileErr != nil {
		return found{}, fmt.Errorf("%w (and through the check endpoint: %w)", fileErr, err)
	}
	// Only a feed that works without it shows that the endpoint is what is
	// missing: in front of a sign-in page nothing works.
	if errors.Is(err, errNoEndpoint) {
		kept.rememberMissing(c.opts.CheckURL, now)
	}
	return found{trusted: trusted}, nil
}

// isFinal tells what asking for files would not mend.
func isFinal(err error) bool {
	_, busy := errors.AsType[*BusyError](err)
	return busy || errors.Is(err, ErrState)
}

// source answers the workflow's questions for files of metadata/.
type source func(name string, limit int64) ([]byte, error)

// askEndpoint sends one request and takes from its answer what is there. A file
// that the server wrongly left out is asked for by its name.
func (c *Client) askEndpoint(ctx context.Context, asker *wire.Asker, kept *state, files source, now time.Time) (found, error) {
	body, err := json.Marshal(checkRequest{App: c.opts.App, Have: c.have(kept), Stamp: kept.stamp()})
	if err != nil {
		return found{}, err
	}
	data, err := asker.Post(ctx, c.opts.CheckURL, body, maxAnswer)
	if err != nil {
		return found{}, missing(err)
	}
	answer, err := parseAnswer(data)
	if err != nil {
		return found{}, fmt.Errorf("%w: %w", errNoEndpoint, err)
	}
	trusted, err := c.prove(kept, answer.before(files), now)
	return found{trusted, answer.next}, err
}

// missing marks an error that says that the endpoint does not exist, in contrast
// to one that fails.
func missing(err error) error {
	status, ok := errors.AsType[*wire.StatusError](err)
	if ok && (status.Code < 500 || status.Code == http.StatusNotImplemented) || errors.Is(err, ErrMalformed) {
		return fmt.Errorf("%w: %w", errNoEndpoint, err)
	}
	return err
}

type checkRequest struct {
	App   string           `json:"app"`
	Have  map[string]int64 `json:"have,omitempty"`
	Stamp string           `json:"stamp,omitempty"`
}

// have is what the server may leave out.
func (c *Client) have(kept *state) map[string]int64 {
	have := kept.held(metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS, release.Role(c.opts.App), release.RolloutRole(c.opts.App))
	have[metadata.ROOT] = version(kept.newestRoot(c.opts.Root))
	return have
}

// answer is what a check endpoint said. Nothing in it is proven.
type answer struct {
	next  time.Duration
	files map[string]json.RawMessage
}

// parseAnswer reads {"next":SECONDS,"files":{NAME:FILE}}. Each file is the bytes
// between its name and the next comma, exactly, since they are what was signed.
func parseAnswer(data []byte) (answer, error) {
	var doc struct {
		Next  *float64                   `json:"next"`
		Files map[string]json.RawMessage `json:"files"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return answer{}, err
	}
	if doc.Next == nil {
		return answer{}, errors.New(`answer has no "next"`)
	}
	for name, file := range doc.Files {
		if !bytes.HasPrefix(file, []byte("{")) {
			return answer{}, fmt.Errorf("file %.80q in the answer is no JSON object", name)
		}
	}
	return answer{next: seconds(*doc.Next), files: doc.Files}, nil
}

// seconds is 0 for 0 and less, and else within bounds.
func seconds(s float64) time.Duration {
	if !(s > 0) {
		return 0
	}
	return time.Duration(min(max(s, minNext.Seconds()), maxNext.Seconds()) * float64(time.Second))
}

// before answers from the answer first, and else from files. A root that the
// answer does not have does not exist, and the timestamp has not changed.
func (a answer) before(files source) source {
	return func(name string, limit int64) ([]byte, error) {
		file, ok := a.files[name]
		switch {
		case ok && int64(len(file)) > limit:
			return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrMalformed, name, limit)
		case ok:
			return file, nil
		case strings.HasSuffix(name, ".root.json"):
			return nil, tuf.ErrNone
		case name == "timestamp.json":
			return nil, tuf.ErrUnchanged
		}
		return files(name, limit)
	}
}
