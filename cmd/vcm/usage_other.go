//go:build !linux && !darwin && !windows

package main

func resources() usage { return usage{} }
