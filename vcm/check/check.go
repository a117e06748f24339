// Package check answers a client's check for news in one request, and tells
// connected clients when to ask. docs/check.md describes both for those who write
// another client or server.
//
// Parties. Clients, any number of them, most of which have everything already; a
// publisher in another process, who replaces files of the feed's metadata folder,
// the timestamp last.
//
// Trust. Requests are hostile: bounded, and nothing in them becomes a file name.
// Clients need not trust this package: it hands out signed files, byte for byte,
// that they verify as if they came from any other place. So it needs no TUF
// library and no key; the files themselves say their versions.
//
// Guarantees. An answer holds the files of one state of the feed, and only those
// whose version is not the one that the client said it has. What is answered is
// never older than timestamp.json at the time of the request. A stream hears of a
// change as soon as the system tells of the new timestamp, or within half a
// minute where it does not; streams and memory are bounded. A client that gets
// no answer, or one with files missing, finds everything among the feed's files.
//
// The package writes nothing; a crash leaves nothing.
package check

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultNext    = 5 * time.Hour
	defaultStreams = 10_000
)

// Options configures a Service.
type Options struct {
	Feed    *os.Root      // the feed's folder, which has metadata/ in it
	Next    time.Duration // when clients are to check again; 0: 5 hours
	Streams int           // open at once; 0: 10,000
	Log     *slog.Logger  // nil: silent
}

// Service serves one feed. It is safe for concurrent use.
type Service struct {
	opts  Options
	count counters
	ended chan struct{} // closed when streams are to end

	mu      sync.Mutex
	current *view
}

// New makes a Service. It needs no more to answer checks; Run makes streams hear
// of changes.
func New(o Options) (*Service, error) {
	if o.Feed == nil {
		return nil, errors.New("check: Feed is missing")
	}
	if o.Next < 0 || o.Streams < 0 {
		return nil, errors.New("check: Next and Streams cannot be negative")
	}
	if o.Next == 0 {
		o.Next = defaultNext
	}
	if o.Streams == 0 {
		o.Streams = defaultStreams
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{opts: o, ended: make(chan struct{})}, nil
}

// Mount adds POST /v1/check and GET /v1/events.
func (s *Service) Mount(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/check", s.serveCheck)
	mux.HandleFunc("GET /v1/events", s.serveEvents)
}

type counters struct {
	unchanged, changed, refused, failed, bytes atomic.Int64
	streams, streamsRefused, events            atomic.Int64
}

// Stats are what has been counted since the start; Streams is how many are open.
type Stats struct {
	Unchanged, Changed int64 // checks that were answered without, and with, files
	Refused            int64 // requests that were no proper checks
	Failed             int64 // checks that met a feed which could not be read
	Bytes              int64 // of answers' bodies, as sent
	Streams            int64
	StreamsRefused     int64 // because too many were open
	Events             int64 // changes told, over all streams
}

// Stats returns the counters, for whoever publishes metrics.
func (s *Service) Stats() Stats {
	c := &s.count
	return Stats{
		c.unchanged.Load(), c.changed.Load(), c.refused.Load(), c.failed.Load(), c.bytes.Load(),
		c.streams.Load(), c.streamsRefused.Load(), c.events.Load(),
	}
}
