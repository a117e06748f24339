package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/receive"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// sweepEvery is how often abandoned proposals are looked for.
const sweepEvery = time.Hour

// takeReleases adds to a server what publishers talk to. It works until done is
// called.
func takeReleases(server http.Handler, repo *repository.Repository, online repository.Keys, log *slog.Logger) (with http.Handler, done func(), err error) {
	dir, err := os.OpenRoot(repo.Dir())
	if err != nil {
		return nil, nil, err
	}
	r, err := receive.New(receive.Options{
		Dir: dir, Log: log,
		Examine: func(app string, document []byte) (receive.Examined, error) {
			a, err := examine(repo, repository.Document{App: app, Bytes: document})
			return receive.Examined{Version: a.Version, Already: a.Already, Added: a.Added}, refusal(err)
		},
		Releases: func() ([]release.Release, error) { return allReleases(repo) },
		Publish: func(ctx context.Context, app string, document []byte) error {
			_, err := repo.Propose(ctx, repository.Document{App: app, Bytes: document}, online)
			return refusal(err)
		},
	})
	if err != nil {
		dir.Close()
		return nil, nil, err
	}
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		sweep(ended, r)
	}()
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.Handle(vcm.PublishPath, r)
	mux.Handle(vcm.PublishPath+"/", r)
	return mux, func() {
		close(ended)
		<-stopped
		dir.Close()
	}, nil
}

// sweep removes abandoned proposals now and then.
func sweep(ended <-chan struct{}, r *receive.Receiver) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		r.Sweep()
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

func examine(repo *repository.Repository, d repository.Document) (repository.Accepted, error) {
	apps, err := repo.Apps()
	if err == nil && !slices.Contains(apps, d.App) {
		err = fmt.Errorf("%w: the feed does not carry the app %s, it has %s", repository.ErrRefused, d.App, strings.Join(apps, ", "))
	}
	if err != nil {
		return repository.Accepted{}, err
	}
	return repo.Examine(d)
}

// refusal tells what a publisher did wrong from the server's own trouble.
func refusal(err error) error {
	for _, theirs := range []error{repository.ErrRefused, repository.ErrUnsigned, vcm.ErrConflict, vcm.ErrOlder} {
		if errors.Is(err, theirs) {
			return &receive.Refusal{Err: err}
		}
	}
	if errors.Is(err, repository.ErrStale) {
		return &receive.Refusal{Err: err, Stale: true}
	}
	return err
}

func allReleases(repo *repository.Repository) ([]release.Release, error) {
	apps, err := repo.Apps()
	if err != nil {
		return nil, err
	}
	var all []release.Release
	for _, app := range apps {
		releases, err := repo.Releases(app)
		if err != nil {
			return nil, err
		}
		all = append(all, releases...)
	}
	return all, nil
}
