package main

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tesseract-desktop/tesseract/vcm/check"
)

// metrics gathers what a server is watched by. Alert on vcm_role_expires_seconds: below two days for the online roles,
// below a month for the others.
func metrics(k *keeper, checks *check.Service) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(signatureMetrics{k}, checkMetrics{checks})
	return registry
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("vcm_"+name, help, labels, nil)
}

var (
	roleExpires   = desc("role_expires_seconds", "Seconds until the signature of a role expires; below zero it has.", "role")
	roleVersion   = desc("role_version", "Version of a role's metadata.", "role")
	renewals      = desc("renewals_total", "Times that a role was signed again by this process.", "role")
	renewFailures = desc("renew_failures_total", "Attempts to sign roles again that failed.")
	damaged       = desc("feed_damaged", "1 where the metadata cannot be read or is not signed as it must be.")
	pending       = desc("pending_changes", "Changes that wait for signatures.")
	misplaced     = desc("offline_keys", "Offline keys that lie on this server, where they do not belong.")
)

// signatureMetrics reads the feed when it is asked.
type signatureMetrics struct{ k *keeper }

func (m signatureMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{roleExpires, roleVersion, renewals, renewFailures, damaged, pending, misplaced} {
		ch <- d
	}
}

func (m signatureMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	roles, err := m.k.repo.Status()
	now := time.Now()
	for _, role := range roles {
		gauge(roleExpires, role.Expires.Sub(now).Seconds(), role.Name)
		gauge(roleVersion, float64(role.Version), role.Name)
	}
	bad := 0.0
	if err != nil {
		bad = 1
	}
	gauge(damaged, bad)
	if waiting, err := m.k.repo.Pending(); err == nil {
		gauge(pending, float64(len(waiting)))
	}
	gauge(misplaced, float64(m.k.misplaced))
	ch <- prometheus.MustNewConstMetric(renewFailures, prometheus.CounterValue, float64(m.k.failures.Load()))
	m.k.mu.Lock()
	counts := maps.Clone(m.k.renewed)
	m.k.mu.Unlock()
	for role, n := range counts {
		ch <- prometheus.MustNewConstMetric(renewals, prometheus.CounterValue, float64(n), role)
	}
}

var (
	checksTotal    = desc("checks_total", "Checks, by what came of them.", "result")
	checkBytes     = desc("check_bytes_total", "Bytes of answers to checks, as sent.")
	streams        = desc("streams", "Event streams that are open.")
	streamsRefused = desc("streams_refused_total", "Event streams refused because too many were open.")
	events         = desc("events_total", "Changes told, over all streams.")
)

// checkMetrics are the counters of checks.
type checkMetrics struct{ checks *check.Service }

func (m checkMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{checksTotal, checkBytes, streams, streamsRefused, events} {
		ch <- d
	}
}

func (m checkMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.checks.Stats()
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	counter(checksTotal, s.Unchanged, "unchanged")
	counter(checksTotal, s.Changed, "changed")
	counter(checksTotal, s.Refused, "refused")
	counter(checksTotal, s.Failed, "failed")
	counter(checkBytes, s.Bytes)
	counter(streamsRefused, s.StreamsRefused)
	counter(events, s.Events)
	ch <- prometheus.MustNewConstMetric(streams, prometheus.GaugeValue, float64(s.Streams))
}
