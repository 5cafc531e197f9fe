"""What the samples in Go and Java use of libraries that cannot be had here, declared as those libraries publish it.

Only names and types, read in the libraries' own repositories; nothing here does anything. So a compiler tells a call
that does not exist, a wrong argument, an unchecked result and an exception that is never thrown. It does not tell when
a library changes. The client of AWS for Go is not among them: Debian has the real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# hashicorp/vault api/client.go and api/kv.go; cyberark/conjur-api-go conjurapi/config.go, authn.go and variable.go
GO: Final = {
    "github.com/hashicorp/vault/api": """\
package api

import "context"

type Config struct{}

func DefaultConfig() *Config { return nil }

type Client struct{}

func NewClient(c *Config) (*Client, error) { return nil, nil }

func (c *Client) KVv2(mountPath string) *KVv2 { return nil }

type KVv2 struct{}

func (kv *KVv2) Get(ctx context.Context, secretPath string) (*KVSecret, error) { return nil, nil }

type KVSecret struct {
	Data map[string]interface{}
}
""",
    "github.com/cyberark/conjur-api-go/conjurapi": """\
package conjurapi

type Config struct{}

func LoadConfig() (Config, error) { return Config{}, nil }

type Client struct{}

func NewClientFromEnvironment(config Config) (*Client, error) { return nil, nil }

func (c *Client) RetrieveSecret(variableID string) ([]byte, error) { return nil, nil }
""",
}

# aws/aws-sdk-java-v2 core and awscore, and what its generator makes of the model of Secrets Manager;
# spring-projects/spring-vault spring-vault-core; cyberark/conjur-api-java
JAVA: Final = {
    "software.amazon.awssdk.core.exception.SdkException": "class SdkException extends RuntimeException {}",
    "software.amazon.awssdk.core.exception.SdkClientException": "class SdkClientException extends SdkException {}",
    "software.amazon.awssdk.core.exception.SdkServiceException": "class SdkServiceException extends SdkException {}",
    "software.amazon.awssdk.awscore.exception.AwsErrorDetails": """\
class AwsErrorDetails { public String errorCode() { return null; } }""",
    "software.amazon.awssdk.awscore.exception.AwsServiceException": """\
class AwsServiceException extends software.amazon.awssdk.core.exception.SdkServiceException {
    public AwsErrorDetails awsErrorDetails() { return null; }
}""",
    "software.amazon.awssdk.utils.SdkAutoCloseable": """\
interface SdkAutoCloseable extends AutoCloseable { @Override void close(); }""",
    "software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException": """\
class SecretsManagerException extends software.amazon.awssdk.awscore.exception.AwsServiceException {}""",
    "software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest": """\
class GetSecretValueRequest { public interface Builder { Builder secretId(String secretId); } }""",
    "software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse": """\
class GetSecretValueResponse { public String secretString() { return null; } }""",
    "software.amazon.awssdk.services.secretsmanager.SecretsManagerClient": """\
interface SecretsManagerClient extends software.amazon.awssdk.utils.SdkAutoCloseable {
    static SecretsManagerClient create() { return null; }
    software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse getSecretValue(
        software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest request);
    software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse getSecretValue(
        java.util.function.Consumer<
            software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest.Builder> request);
}""",
    "org.springframework.vault.VaultException": "class VaultException extends RuntimeException {}",
    "org.springframework.vault.authentication.ClientAuthentication": "interface ClientAuthentication {}",
    "org.springframework.vault.authentication.TokenAuthentication": """\
class TokenAuthentication implements ClientAuthentication { public TokenAuthentication(String token) {} }""",
    "org.springframework.vault.client.VaultEndpoint": """\
class VaultEndpoint { public static VaultEndpoint from(java.net.URI uri) { return null; } }""",
    "org.springframework.vault.core.VaultTemplate": """\
class VaultTemplate {
    public VaultTemplate(org.springframework.vault.client.VaultEndpoint endpoint,
        org.springframework.vault.authentication.ClientAuthentication authentication) {}
    public VaultVersionedKeyValueOperations opsForVersionedKeyValue(String path) { return null; }
}""",
    "org.springframework.vault.core.VaultVersionedKeyValueOperations": """\
interface VaultVersionedKeyValueOperations {
    org.springframework.vault.support.Versioned<java.util.Map<String, Object>> get(String path);
}""",
    "org.springframework.vault.support.Versioned": """\
class Versioned<T> {
    public boolean hasData() { return false; }
    public T getRequiredData() { return null; }
}""",
    "com.cyberark.conjur.api.Conjur": "class Conjur { public Variables variables() { return null; } }",
    "com.cyberark.conjur.api.Variables": """\
class Variables { public String retrieveSecret(String variableId) { return null; } }""",
}


def write_go(directory: Path) -> None:
    """The packages below a directory for ``GOPATH``."""
    for name, text in GO.items():
        _write(directory / "src" / name / "declared.go", text)


def write_java(directory: Path) -> None:
    """The classes as a source path."""
    for name, text in JAVA.items():
        package, _, _ = name.rpartition(".")
        _write(directory / f"{name.replace('.', '/')}.java", f"package {package};\n\npublic {text}\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
