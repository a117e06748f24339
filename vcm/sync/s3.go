package sync

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// S3Options says where a bucket is and who asks.
type S3Options struct {
	Bucket   string
	Prefix   string // of all names, without slashes around it; may be empty
	Endpoint string // URL of the service; empty: Amazon's
	Region   string // empty: asked for, or us-east-1 elsewhere than at Amazon's
	// The key. Without one, Profile of CredentialsFile is read, each by default
	// where Amazon's own tools look.
	AccessKey, SecretKey, SessionToken string
	Profile, CredentialsFile           string
	// Machine asks the machine or the container that this runs on for a key.
	Machine bool
}

// S3FromEnvironment is the bucket of a destination s3://bucket/prefix with what
// the usual AWS variables say of it. endpoint and region win over them.
func S3FromEnvironment(destination, endpoint, region string, getenv func(string) string) (S3Options, error) {
	u, err := url.Parse(destination)
	if err != nil {
		return S3Options{}, err
	}
	if u.Scheme != "s3" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return S3Options{}, fmt.Errorf("%q: write it like s3://bucket/prefix", destination)
	}
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	return S3Options{
		Bucket: u.Host, Prefix: strings.Trim(path.Clean("/"+u.Path), "/"),
		Endpoint:  first(endpoint, getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL")),
		Region:    first(region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")),
		AccessKey: getenv("AWS_ACCESS_KEY_ID"), SecretKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		Profile: getenv("AWS_PROFILE"), CredentialsFile: getenv("AWS_SHARED_CREDENTIALS_FILE"),
		Machine: first(getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), getenv("AWS_WEB_IDENTITY_TOKEN_FILE")) != "",
	}, nil
}

// S3 is a bucket of an object store, or a part of one, as a place.
type S3 struct {
	o      S3Options
	client *minio.Client
}

// hashKey is the object's own metadata that says what was uploaded. The store
// checks the same hash when it takes the object.
const hashKey = "Sha256"

// NewS3 takes a bucket. It does not connect yet.
func NewS3(o S3Options) (*S3, error) {
	endpoint, secure := "s3.amazonaws.com", true
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil {
			return nil, err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("endpoint %q: write it like https://s3.example.org", u.Redacted())
		}
		endpoint, secure = u.Host, u.Scheme == "https"
		if o.Region == "" {
			o.Region = "us-east-1" // what stores that have no regions want to hear
		}
	}
	client, err := minio.New(endpoint, &minio.Options{Creds: o.credentials(), Secure: secure, Region: o.Region})
	if err != nil {
		return nil, err
	}
	return &S3{o, client}, nil
}

func (o S3Options) credentials() *credentials.Credentials {
	if o.AccessKey != "" {
		return credentials.NewStaticV4(o.AccessKey, o.SecretKey, o.SessionToken)
	}
	providers := []credentials.Provider{&credentials.FileAWSCredentials{Filename: o.CredentialsFile, Profile: o.Profile}}
	if o.Machine {
		providers = append(providers, &credentials.IAM{})
	}
	return credentials.NewChainCredentials(providers)
}

func (s *S3) String() string { return "s3://" + path.Join(s.o.Bucket, s.o.Prefix) }

func (s *S3) key(name string) string { return path.Join(s.o.Prefix, name) }

// Read implements Place.
func (s *S3) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, _, err := s.read(ctx, name, limit)
	return data, err
}

func (s *S3) read(ctx context.Context, name string, limit int64) (data []byte, etag string, err error) {
	object, err := s.client.GetObject(ctx, s.o.Bucket, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", s.explain(err)
	}
	defer object.Close()
	info, err := object.Stat()
	if err != nil {
		return nil, "", s.explain(err)
	}
	if data, err = readWithin(object, name, limit); err != nil {
		return nil, "", s.explain(err)
	}
	return data, info.ETag, nil
}

// Has implements Place. An object that something else put there, and that says
// nothing of its hash or would be served in another way, is not taken for ours.
func (s *S3) Has(ctx context.Context, f File) (bool, error) {
	info, err := s.client.StatObject(ctx, s.o.Bucket, s.key(f.Name), minio.StatObjectOptions{})
	if err = s.explain(err); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return info.Size == f.Length && info.Metadata.Get("X-Amz-Meta-"+hashKey) == f.SHA256.String() &&
		info.ContentType == vcm.ContentType(f.Name) && info.Metadata.Get("Cache-Control") == vcm.CacheControl(f.Name), nil
}

// Put implements Place.
func (s *S3) Put(ctx context.Context, f File, content *io.SectionReader) error {
	return s.put(ctx, f, content, s.headers(f))
}

func (s *S3) headers(f File) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		ContentType: vcm.ContentType(f.Name), CacheControl: vcm.CacheControl(f.Name),
		UserMetadata: map[string]string{
			hashKey:                 f.SHA256.String(),
			"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(f.SHA256[:]),
		},
		DisableMultipart: true, // an object in parts would have another kind of hash
	}
}

func (s *S3) put(ctx context.Context, f File, content *io.SectionReader, o minio.PutObjectOptions) error {
	_, err := s.client.PutObject(ctx, s.o.Bucket, s.key(f.Name), content, f.Length, o)
	return s.explain(err)
}

// Swap implements Place, in one step where the store knows conditional writes,
// as Amazon's and most others do.
func (s *S3) Swap(ctx context.Context, name string, old, new []byte) error {
	f := Document{name, new}.file()
	o := s.headers(f)
	current, etag, err := s.read(ctx, name, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist) && old == nil:
		o.SetMatchETagExcept("*")
	case errors.Is(err, fs.ErrNotExist):
		return ErrChanged
	case err != nil:
		return err
	case bytes.Equal(current, new):
		return nil
	case old == nil || !bytes.Equal(current, old):
		return ErrChanged
	default:
		o.SetMatchETag(etag)
	}
	put := func(o minio.PutObjectOptions) error {
		return s.put(ctx, f, io.NewSectionReader(bytes.NewReader(new), 0, f.Length), o)
	}
	err = put(o)
	switch minio.ToErrorResponse(err).StatusCode {
	case http.StatusNotImplemented:
		return put(s.headers(f))
	case http.StatusPreconditionFailed, http.StatusConflict:
		// It may be our own, whose answer was lost on the way.
		if now, _, readErr := s.read(ctx, name, maxDocument); readErr == nil && bytes.Equal(now, new) {
			return nil
		}
		return ErrChanged
	}
	return err
}

// explain says what a store's answer means for the publisher.
func (s *S3) explain(err error) error {
	if err == nil {
		return nil
	}
	var advice string
	switch minio.ToErrorResponse(err).Code {
	case "NoSuchKey":
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case "NoSuchBucket":
		advice = fmt.Sprintf("make the bucket %s first, or set the region that it is in", s.o.Bucket)
	case "AccessDenied":
		advice = "the key, see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, needs s3:ListBucket on the bucket, and s3:GetObject and s3:PutObject on what is in it"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		advice = "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}
