//go:build !linux

package app

const startHidden = true
