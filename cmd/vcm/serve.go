package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

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
	Health  string `json:"health"`
}

func (t *tool) serveCommand() *cobra.Command {
	var dir, address string
	cmd := &cobra.Command{
		Use:   "serve --dir DIR",
		Short: "Serve the feed over HTTP and keep its signatures fresh",
		Long: `Serve the feed in DIR under /feed/, and its health under /healthz. Snapshot and
timestamp are signed anew before they expire where DIR/keys/online is present;
offline keys are neither needed nor read. Stop it with an interrupt: running
downloads get ten seconds.`,
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
	online := onlineKeys(store.Signers)
	if _, err := repo.Renew(ctx, online); err != nil {
		return err
	}
	feed, err := os.OpenRoot(filepath.Join(dir, feedDir))
	if err != nil {
		return err
	}
	defer feed.Close()

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s (is another server running there? choose another with --addr): %w", address, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	go keepFresh(ctx, tick.C, repo, online, log)

	base := "http://" + listener.Addr().String()
	res := serveResult{listener.Addr().String(), base + "/feed/", base + "/healthz"}
	if err := t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Serving the feed at %s\n", res.Feed)
	}); err != nil {
		listener.Close()
		return err
	}
	return serveUntil(ctx, listener, handler(feed, repo), log)
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

// keepFresh renews what is due at each tick, until the context ends.
func keepFresh(ctx context.Context, tick <-chan time.Time, repo *repository.Repository, online repository.Keys, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		renewed, err := repo.Renew(ctx, online)
		if err != nil && ctx.Err() == nil {
			log.Error("signatures could not be renewed", "err", err)
		}
		if len(renewed) > 0 {
			log.Info("signatures renewed", "roles", renewed)
		}
	}
}

func handler(feed *os.Root, repo *repository.Repository) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/feed/", http.StripPrefix("/feed", static.Handler(feed)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, repo) })
	return mux
}

type healthResult struct {
	Status  string            `json:"status"` // ok, expired or damaged
	Version string            `json:"version"`
	Detail  string            `json:"detail,omitempty"`
	Roles   []repository.Role `json:"roles,omitempty"`
}

// health is 200 as long as clients would accept the feed.
func health(w http.ResponseWriter, repo *repository.Repository) {
	res, code := healthResult{Status: "ok", Version: toolVersion()}, http.StatusOK
	roles, err := repo.Status()
	res.Roles = roles
	if err != nil {
		res.Status, res.Detail, code = "damaged", err.Error(), http.StatusServiceUnavailable
	}
	for _, role := range roles {
		if time.Now().After(role.Expires) {
			res.Status, res.Detail, code = "expired", "the signature of "+role.Name+" has expired", http.StatusServiceUnavailable
			break
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(res)
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
