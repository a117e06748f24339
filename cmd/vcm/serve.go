package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/vcm/check"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
	"github.com/tesseract-desktop/tesseract/vcm/static"
)

const (
	defaultAddress = "127.0.0.1:8460"
	// renewEvery is how often the server looks whether signatures are due; they
	// are valid for days.
	renewEvery = time.Minute
	// stopWithin is how long running downloads get when the server is stopped.
	stopWithin = 10 * time.Second
)

type serveResult struct {
	Address string `json:"address"`
	Feed    string `json:"feed"`
	Check   string `json:"check"` // what clients may be given as their check endpoint
	Health  string `json:"health"`
	Metrics string `json:"metrics"`
}

func (t *tool) serveCommand() *cobra.Command {
	var dir, address string
	cmd := &cobra.Command{
		Use:   "serve --dir DIR",
		Short: "Serve the feed over HTTP and keep its signatures fresh",
		Long: `Serve the feed in DIR under /feed/, checks under /v1/check and /v1/events, health
under /healthz and metrics for Prometheus under /metrics. Snapshot, timestamp and
rollouts are signed anew before they expire where DIR/keys/online is present;
offline keys are neither needed nor read, and do not belong on a server. Stop it
with an interrupt: running downloads get ten seconds.`,
		Example: `  vcm serve --dir ~/releases
  vcm serve --dir ~/releases --addr 0.0.0.0:8460 --json`,
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error { return t.serve(cmd.Context(), dir, address) }),
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder made by vcm init (required)")
	cmd.Flags().StringVar(&address, "addr", defaultAddress, "address and port to listen on; port 0 takes any")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func (t *tool) serve(ctx context.Context, dir, address string) error {
	log := t.log(slog.LevelInfo)
	repo, err := openRepository(dir, log)
	if err != nil {
		return err
	}
	// Offline keys are not for a server, so it never has their passphrase.
	store, err := keys.New(keys.Options{Dir: filepath.Join(dir, keysDir)})
	if err != nil {
		return err
	}
	feed, err := os.OpenRoot(filepath.Join(dir, feedDir))
	if err != nil {
		return err
	}
	defer feed.Close()
	checks, err := check.New(check.Options{Feed: feed, Log: log})
	if err != nil {
		return err
	}
	misplaced, err := offlineKeys(store)
	if err != nil {
		return err
	}
	if len(misplaced) > 0 {
		log.Warn("OFFLINE KEYS LIE ON THIS SERVER: whoever breaks into it can sign releases, once he has the passphrase if there is one. They are not read; move them to a machine that is not reached from outside.", "files", misplaced)
	}
	fresh := &keeper{repo: repo, online: onlineKeys(store.Signers), log: log, misplaced: len(misplaced)}
	if err := fresh.renew(ctx); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s (is another server running there? choose another with --addr): %w", address, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	go fresh.keep(ctx, tick.C)
	go checks.Run(ctx)

	base := "http://" + listener.Addr().String()
	res := serveResult{listener.Addr().String(), base + "/feed/", base + "/v1/check", base + "/healthz", base + "/metrics"}
	if err := t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Serving the feed at %s\n", res.Feed)
	}); err != nil {
		listener.Close()
		return err
	}
	h, done, err := takeReleases(handler(feed, fresh, checks), repo, fresh.online, log)
	if err != nil {
		listener.Close()
		return err
	}
	defer done()
	return serveUntil(ctx, listener, h, log)
}

// offlineKeys lists key files that do not belong on a server, by name alone.
func offlineKeys(store *keys.Store) ([]string, error) {
	files, err := store.Files()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if !keys.IsOnline(f.Role) {
			names = append(names, f.Name)
		}
	}
	return names, nil
}

// onlineKeys answers for the roles that a server may renew, and for no other.
func onlineKeys(all repository.Keys) repository.Keys {
	return func(role string) ([]crypto.Signer, error) {
		if !keys.IsOnline(role) {
			return nil, fmt.Errorf("key for %s is not for a server: %w", role, os.ErrNotExist)
		}
		return all(role)
	}
}

func handler(feed *os.Root, fresh *keeper, checks *check.Service) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/feed/", http.StripPrefix("/feed", static.Handler(feed)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fresh.health(w) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics(fresh, checks), promhttp.HandlerOpts{}))
	checks.Mount(mux)
	return mux
}

// serveUntil serves until the context ends, and then until running requests
// have ended or stopWithin has passed.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
