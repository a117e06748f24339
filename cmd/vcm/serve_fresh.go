package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// remindEvery is how often the log says again that people must renew an offline role.
const remindEvery = 24 * time.Hour

// keeper keeps the signatures of a feed fresh, as far as the online keys go, and says in time what else is to be done.
type keeper struct {
	repo      *repository.Repository
	online    repository.Keys
	log       *slog.Logger
	misplaced int // offline keys that lie here

	failures atomic.Int64 // attempts to renew that failed
	mu       sync.Mutex
	renewed  map[string]int64     // how often, by role
	reminded map[string]time.Time // when the log last spoke of a role
}

// keep renews what is due at each tick, until the context ends.
func (k *keeper) keep(ctx context.Context, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		if err := k.renew(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("signatures could not be renewed", "err", err)
		}
		k.remind(time.Now())
	}
}

func (k *keeper) renew(ctx context.Context) error {
	roles, err := k.repo.Renew(ctx, k.online)
	if err != nil {
		if ctx.Err() == nil {
			k.failures.Add(1)
		}
		return err
	}
	if len(roles) == 0 {
		return nil
	}
	k.log.Info("signatures renewed", "roles", roles)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.renewed == nil {
		k.renewed = map[string]int64{}
	}
	for _, role := range roles {
		k.renewed[role]++
	}
	return nil
}

// remind logs what is due and could not be renewed here, once a day for each role.
func (k *keeper) remind(now time.Time) {
	roles, err := k.repo.Status()
	if err != nil {
		return // renew has said so
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reminded == nil {
		k.reminded = map[string]time.Time{}
	}
	for _, role := range roles {
		if last, ok := k.reminded[role.Name]; !role.Due || ok && now.Sub(last) < remindEvery {
			continue
		}
		k.reminded[role.Name] = now
		k.log.Warn(advice(role), "role", role.Name, "expires", role.Expires)
	}
}

// advice says what to do about a role that is due.
func advice(role repository.Role) string {
	return fmt.Sprintf("the signature of %s ends on %s and clients refuse the feed from then on; run vcm keys renew where its keys are",
		role.Name, role.Expires.Format(time.DateOnly))
}

type healthResult struct {
	Status   string            `json:"status"` // ok, expired or damaged
	Version  string            `json:"version"`
	Detail   string            `json:"detail,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
	Roles    []repository.Role `json:"roles,omitempty"`
}

// health is 200 as long as clients would accept the feed.
func (k *keeper) health(w http.ResponseWriter) {
	res, code := healthResult{Status: "ok", Version: toolVersion()}, http.StatusOK
	roles, err := k.repo.Status()
	res.Roles = roles
	if err != nil {
		res.Status, res.Detail, code = "damaged", err.Error(), http.StatusServiceUnavailable
	}
	for _, role := range roles {
		if role.Due {
			res.Warnings = append(res.Warnings, advice(role))
		}
		if time.Now().After(role.Expires) && res.Status == "ok" {
			res.Status, res.Detail, code = "expired", "the signature of "+role.Name+" has expired", http.StatusServiceUnavailable
		}
	}
	if k.misplaced > 0 {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%d offline keys lie on this server; move them to a machine that is not reached from outside", k.misplaced))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(res)
}
