# shellcheck shell=sh
# Sourced by the steps of k8s/Containerfile: applies the build's secrets, which say how package indexes are reached.

if [ -f /run/secrets/ca ]; then
    # curl, rustup, cargo and pip, in this order.
    export CURL_CA_BUNDLE=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca
    export CARGO_HTTP_CAINFO=/run/secrets/ca PIP_CERT=/run/secrets/ca
fi
if [ -f /run/secrets/pip ]; then
    export PIP_CONFIG_FILE=/run/secrets/pip
fi

# install PACKAGE...
install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
}
