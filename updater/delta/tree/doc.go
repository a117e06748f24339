// Package tree turns one tree of files into the next with few bytes: a macOS bundle, or the files beside a program.
//
// Parties. A publisher scans the tree it has built, signs the SHA-256 of its [Manifest] and ships what [Diff] writes; a
// client that holds an older tree, or none, builds the new one with [Apply]. The patch from no tree at all is the full
// artifact: there is one format for both.
//
// Trust. Only the manifest's digest is signed. Every byte of a patch is hostile, and so is what the old tree holds until it
// is hashed. A manifest is held to rules that make it mean the same on every disk (see [New]): no path leaves the tree
// or meets another one on a disk that ignores case, no symbolic link leads outside, whether by its text or through other
// links, and nothing lies beneath a link. Those rules are checked although the digest is signed: a stolen release key
// must not become a way to write elsewhere.
//
// Guarantees. Apply writes nothing before the whole manifest has the signed digest. It writes into the new tree only,
// through [os.Root], never over anything that is there, and holds each file to its signed length and SHA-256 as it is written;
// permissions come last. When it returns nil, the new tree is exactly the signed one. When it returns an error, the new
// tree's folder is to be thrown away. Diff writes the same bytes for the same two trees and codecs.
//
// Memory. One file at a time: what the codec takes for it (see package delta), at most 8 MiB of manifest with what is
// derived from it, and about 20 MiB for full files.
//
// A crash leaves an unfinished folder, and no word about which of its files are whole: nothing is synced. Whoever puts
// the folder in place syncs its files and folders first, or throws it away.
//
// Limits. Owners, times, extended attributes and hard links are not part of a tree. On Windows, permissions are not set and
// trees with symbolic links are refused ([ErrLinks]), because making one there takes a right that users do not have.
package tree
