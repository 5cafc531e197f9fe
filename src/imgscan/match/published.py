"""Values that everybody has, as they stand in documentation, emulators, self-tests and packages, known by their hashes.

A secret that is one of them keeps nothing. A private key is known by what it says, however its lines are laid out.
Knows nothing of rules.
"""

from __future__ import annotations

import hashlib
from typing import Final

from imgscan.match.keys import pem

HASHED_BYTES: Final = 512
"""Of a value; keys differ long before."""

DIGITS: Final = 16
"""Of a hash; with some thousands of them a secret is taken for one once in 10^16 times."""

_KEY_HEADS: Final = (b"---- BEGIN", b"-----BEGIN", b"LS0tLS1CRUdJTi")
"""The last is the second in base64."""

BY_ORIGIN: Final = {
    "Azurite, the storage emulator": "0011cc25eb432071",
    "the Cosmos DB emulator": "aa6547439583c3a2",
    "the token that jwt.io opens with": "7f75367e78812551 da816f9f2c16e6c5",
    "Stripe's documentation": "2cafc0970149a84f f2d6ca16515033e5",
    "RFC 6749, the access token": "6c96130f130ab0d6",
    "RFC 6749, the refresh token": "00cf4c781dc37003",
    "RFC 6749, the client secret": "53f5da0aaa93d64c",
    "the docstrings of oauthlib": "d167410a16865cd6",
    "the README of npm's arborist": "7e8a30c801002173",
    "the docstrings of urllib.request": "1fec4e9dead2fb48",
    "the examples of botocore, IAM": "6caa448826c11cd3 e6c2d3455587c47c d8ccc3c547c85017",
    "the help of kubectl": "6a81b2429c0ba421",
    "the self-test keys of GnuTLS": (
        "87e288dc7dbc29a2 d245e52c341a7664 0294b4406902e33b 60c323abe4854b03 995b8d5b08ac126a 09416ba3e0782523 "
        "7e38af7715bbb425 458022ddcb5598b3 4a4a75c7c6ec26c0 6061e218b64b611a 6f0c3130a081db0c d609f09d5bc2b903 "
        "aafe40f40e5e2c77 ecaa0a63fa464de9 803fc9d7eb40ea13 323a1e2a6917c061"
    ),
    "the test key of Tornado": "737bd47b5f37bd52",
    "the documentation of python-jose": "b816f36b4715af4b 5cefcbea13e8e57c",
    "the temporary key of CMake for Windows": "c2550e2c4603fe63",
    "the docstrings of Django REST framework": "b9904b8ed45bc574",
    "the tests of kubernetes for Python": "f53cddc280b55732",
    "@octokit/auth-token": "b32c64ba371b636f de3ffa57526ffa0a",
    "debug": "6e70d76ad57f3034",
    "node-forge": "7844a86c6b53052a",
    "prometheus-alertmanager": "191ab2ba2a2be7b8 b11f4b0bdb6fad26 03530cced1bf4c2f",
    "the Go distribution": "ffdff0657e09322f 267bc23f28d823c2 51a9650d868c8dc8",
    "Dovecot": "210f34440139767f",
    "the self-tests of hashcat": (
        "3cd7a9e2411b3d91 b11f1afb3e2b79ce 75ff244dc90dc40a fe20f8ec6454da40 408b6cbd91913c9e 031737ca00a39f32 "
        "684a37a032de01dc"
    ),
    "the documentation of Ansible collections": (
        "e659d7b9a8c00365 c2fe55b9bf42595c 722e5c42a88302e5 21df499c10209830 f52b11532adeb69f a3732b60834750d3 "
        "9587c7b4156dc161 de8fcee964b75dc4 88dc4290ffa4c231 374b54794dbadf23 9a3b596f4d877568 9fd48845a784316d "
        "ddd9ce6628030dd8 f160659ee66c2878 2d602d13e99c20b5 45bf386c4d523364 741cb5137664fe5e 46d861eecbf5b87e "
        "17f7774c20e32331 e9edf9765ea83fcf 2715b8dc9f4976a4 eb59d833771f828e d76af3dd7eafd54b 8b6bd8200c221873 "
        "5532f545cab7bce4 2d6766f074f03e51 017a32dbd74b3e0c 15903227c176e94d 6b76e48fd98e0a57 492b1ec4453d7f47 "
        "5d5fe8567ad07a8e fcdffdadd5c339a5 b48659ff2e1e6621 61de78f895ec6cc7 a63cddf6d94a96ce d60ae0d983150c30 "
        "564baa037fb020f1 e6b3d9b384bb878d 0ca12f09cd817e0d 6bd2bff7377360a3 e555f75cc7467f3b e8c64f819662738a "
        "558554b3b5262100 da14fab6ddc864a1 e30744025cfa34c5 ab6aa522f98bf6eb 8003c442498745ef b6881a13467a863d "
        "27ebc653425e4c1a 89437a51fc393ca6 27d1909b6ca7fadf b6f224ae58060398 3f848adf45d0a4a3 d56c167eb9b3447a "
        "260486329e53db58 75a0a8f7c7a8c43e ac879c89863d0823 3a8cba4f55862d49 18631d068ab5d973 03fc0863d7143262 "
        "4e8a9b321b1da5e2 044bee61858ce987 476e0bb5643e1fed e03a2f8236bd6acc b311bb95a7ea1ec3 3fbe6e50b72ce759 "
        "f47a14c0e24c025f fd1bf2aa222b05fe c41326c55c55be41 717f921f94c2447b 927ef25cd9226a06 1d72ffc0219e68fa "
        "5f22baad9b053d98 55c8b9dbb72e9adc ce5f1d772421515d 80036005eda34c4f 296a9fcc70a1da2d 117a062596a46d11 "
        "7a251cdc3116499f d494d993322b02ec f16d6d6734a39422 19b20b9eb73b01c9 44c255086ae7db5a acc20a9eee1897fb "
        "9fe5347800e8cff7 12c547de7c314f0f bcd969af64807d83 59e374f1a4fd9c3c f90a517eb94a365d f128124f1f12bcb0 "
        "50028661e9b444e6 e6f9993c7265a85f d9c3482af2ba6590 861d5149d575ddbe a78b54dee7ff954b 8a755257ccab38d7 "
        "7c84cadc64c77db9 c309daa687db0262 41ed30d94621f38b 2f754cedbd84ba93 c357896d87bd16d8 07ea43b1ea3a4a77 "
        "d6baa0075ae147aa 8595a0f705c18cc5 4b1e079226b83099 f4ceadce6dec4e21 feaaebfaa7ce93dc f7801f38be6ce24a "
        "f2f8c50fdb78502e 49a0266669859b12 0c39efec40bbdc0d 17526f23e060a5f9 08dfdee37cfe9f3a e4755aadfae89ce8 "
        "03d77e58b52aba87 93010103140e7a6c b8a7af1c5b5392eb 576733c89558582e faf3637d2456f379 584c654760f9bea2 "
        "9b8c008cd4b55fd0"
    ),
    "certbot": (
        "199a2c96cca7fb41 5b0c01bb9bbf4953 2bc0319cc5f59323 1bf9a4825a482dcd d320a755c3b58165 ea924b4aa8c04519 "
        "0c9b10c9b45574e3 e4bf4ac75ee9e838 99892b9a041a05e7 61025c20b9dc436c"
    ),
    "the samples of OpenVPN": (
        "cf420f59e786ec70 53b9ad43b155cf62 8677a90cb24f12ae de142fbb8bc4722a e53a3c0d160a70ec 65d45aaf0552df87 "
        "69f5627adec6b176 47a8ca42fa00e3ba"
    ),
    "wireguard-tools": ("4121a99cabcbaa0c 92e47208ca286b05 f6f5399fc956e298 f89c22be59ed130d"),
    "the self-tests of PyCryptodome": (
        "3d7b8490d845008e 362eaa9876387506 77287e1830ccf96d 371ce2e630fad756 8f3649b5971d8ef0 4c5b7750a9e24c7d "
        "ead929f420026605 c1f4b06b91e04dad 636a9136612e1625 4d490557774aa7ad 2983f7b9489d0065 a853f65ad0b3b33b "
        "e898149519311d5b f3d47b7ca96b0621 19b50af4e529a2d2 67a45b723a903103 6e0964346c8b5765 2da1a57f2aba15d6 "
        "93c2ddc6d96963da f895617db25d5d65 7d941a6f0509df82 78f1cd2051065b20 74790c6a7abbf872 c4c34b9203ce49c5 "
        "ab1488ef9c80609d 983e6e4aafe5aadf 2e7345b3658d0bf6 815bc70ab5f5f778"
    ),
    "awscli": (
        "ff3c825e40e22c8b 577cfe66bf6c95dd cc370a40e4f57a29 5dbe8005e28106b4 7ca486cbe6b13db5 d45c6bbbf1a5a561 "
        "05b9f5d960901639 4ab6cf68c3c71f01 475dddd7e494f2d1 e0a33b21e05584f7 eef168423ab2e49f 04fba2c05f91ad4b "
        "c46ba61e198ba2c5 4c7b3f40e866bf98 c0a9271ec8c34c66 d2862c238b8e0044 54e49af0da756bb3 3e46394d68921a6d "
        "f420161d76f067dd 16529b293d4d3f1a a608b49ccc8b0f82 81d8c5c38078ca4d"
    ),
    "ecdsa": (
        "4187521b4103fbf1 fd24c4d8d9d88c1e 0d5c183767bcde2d 82ff841e6cb7fdfb acc8520641497b79 c7f418fb71c5396f "
        "e5341947213951c7 b5445a182be8bb66"
    ),
    "joserfc": "f1cdf4d3485952c9",
    "jwcrypto": (
        "43bf6564453e6b5c f9e92399f724d3b4 0330b11998cbc9ab 8f0d5d5f8ad386f9 6d9cce4fa24ca21f 15ecb34b471c5d9f "
        "c10838189a432c83 44e6c89ad9f1cbaf 79bd8cb5ce94f16b 8580dd90707d8c51 fde65288758ade65 a45404ae333dd955 "
        "4db1d554acf436a8 57afc11665beb68d fb853be3e69db374 ff86d7a9d8fac4a6 e67200fdea42ff47 190edf59d5736c3b "
        "b3eea9d88af09326 134e25eb1db60f30 ee6e65cddc339805 bc4d38e10c7806bb 520fc998d15df75a 5ccf2edb4f070f0b "
        "b2aea23f96b01cdc 631f2437b2cbe42b 66ffab93055c0f16 42277e912c1a92d2"
    ),
    "moto": "09dde5dab4ac0cd1 4e2b455f94391ded 5c3eed3c776cccaa",
    "CryptX": (
        "988ad09cf26b3560 6a4faa412a583911 569302f4ead2ba6d 5f7a483e1ba9b6cf 0a43b15f1e9a1a5c d4fc5055f5413eb1 "
        "f30a9b2e32f34793 a92ffd8be86dac59 4ec1172f0a585610 925753d479483f7a 8ea1222243b1e3b8 a1b61525b58a6fb4 "
        "29ab9c35ad599de8 5a18fe8147bc4f9d 56d0b5502ff045f8 4853dc31f4f50614 7a50b0ecfccff753 68ecffefaf4fa867 "
        "7e35dae60e789640"
    ),
    "IO::Socket::SSL": "5b323b7ef4316cc8",
    "puma": (
        "a13ee848d94af206 9105789c9cab2b8e 2554bac4309c2382 3d3057b94fd381e1 00b7b5c617b3f7e3 373c01057f46f11a "
        "4e530708cc53f456 c59a54785d268ec4 124ecb22bfe3c410 ad40f73353bdd392 12de6395f048b354"
    ),
    "the tests of openssl for R": (
        "723d4b9d726376e0 c2e2aee5d5c1a75e e4b440da157a20f3 d2814e42fda23d54 0d6dcda2fff88cd5 d6eab48b1ae24248 "
        "1607b6d236e91d79 f2b55c689b598d40 c6e7a65c7c9caadb 1ac56268ffa4757b 75a42ad9ef1b1cf7 e2232960dc89395d "
        "d77806808496881d e070e814b9c8d016 9f8217ba8e68b38b 9d315d5ff63c5d9a 49d5f1bd9f163fa5 1ce001df1fbf0521 "
        "922629aa8786eb17 e1beef3e6e76c5d5 fee77090d3a89101 18348ac089c1c297 04ee95fcb6abf73a 7db9b69924b97548 "
        "98a18948e460b94d f3e42c2d9340d743 dc7d0c4fb9a0826c 9804af197fbf5c3d"
    ),
    "Mojolicious": "ce5ff842703fda1a 29a2c6a442193270",
    "vagrant": "f7c728a6d4be8913",
    "the tests of MariaDB": (
        "e0e6baa6371abdfe 941516979adf6c50 bc5e76397b85e911 8437bbe6d6908640 38e5701d2c612dd1 a9999ab2363a815f "
        "24481eb2ff430697 e6a8110ec7b35888 983ed2dc83226e4f 065c8c1a96e9cb16 cee6847965abf46e 43477a396d5e4ed3"
    ),
    "rclone": "bef307f8121e51fc 394ed12d5ffb911e",
    "restic": ("d254573b5197fcf8 2aaac33d5b4d44a8 ba65adb5ef095f20 7d9211c1e5409074 ec01a38480ca73c0"),
    "redis.conf": "2288ec82bc090b36",
    "fail2ban": "375ac384171dfaaa a177e7baf9c844ba 65b57307c8dd966a",
    "samba": "ac42160e8fc5dd4f e5edc6f19511ce56",
    "the help of MariaDB": "8c566c7cda7347ca",
    "nmap": "627ccacef0e05bd3 4d74c56d114edd38 e6c100ea92b7d085",
    "the default site of Apache": "3120d452466c0a67",
    "allauth": "8be5d113c0871ce1 0386896564d5e5e2 905d0eba14f9e548",
    "cherrypy": "bb56681585991260 e76d2d65bc244625 06657090c261dd84",
    "librdkafka": "9c63ab5af544923e ce8641da11ea20ef",
    "dj_database_url": "8a75f3cea69ada7e eaa95b813315e023",
    "future": ("25bfbd070fbafa65 4974e78e6c425616 cb8825530f55e629 c0c2a555a40f5d3c"),
    "gevent": "2ab4c0b6a3d287f8 1eb8e30208db6097 458531fb00450626",
    "scikit-image": "0a088f9fdffd5500",
    "social-auth-core": (
        "23368db76661d78c b5873cd9b4044644 a5950f00dfda287c fc38f4a9123e8bcc 54d7b0863d415c2d 8794e7497c198adc "
        "a759d9143306d418 157aebb222229793 c8d44c8309e86d45 511cf22219a18ace 1f41feec33f44d51"
    ),
    "twisted": (
        "1de5ac5cb37d8d36 88f3145770d602b6 a26741c999733d90 929bd67eaab58257 ae3695311b4c04f6 88fe695fe42d8ecb "
        "f4e80f54f0be5996 b72b9e1f6ad6c3d2 719127b2f9a516d9 2aa71d043eaac41d 68aa5d21f7097eee 8e1f6106ee9c1c57 "
        "051848dd074db519 3044a59639c848fa 31761af00a5f2840 c1b45fdbeb827679 7b8a7f7a95bb59c1 f49e6c4d1286e58b"
    ),
    "wagtail": "4b94c959761da7fa 4bed00e06bfbb879 bed2267f8715bf37",
    "chromadb": "df12cd1cad514a3d 02bb6ef94cc15627",
    "great_expectations": "6fe43f321f0c1689",
    "localstack": "9ba68b9cec8c0ff2 3c6845ed44eed0f9 f1882391c63ca138",
    "passlib": (
        "1b84cdcf8488fb18 de8cb987b582ee27 285b8f82f1e6f7c5 4cd888ab749e8d4c 2642b69d4f4b9b55 7025395115814ba1 "
        "a9a153c10ac44f1f 018e241a8dcd0c6b 183d8810fbaa8fcc 2778e4f9c7a8ae63 ff11e5924e49413c 335ce6911d24815b "
        "a85bede1ce006322 654fba6d97506b24 f5b8e03f6c7ee9f5 1c2926b6441081fa 3428c1acd85e1984 444acd0559e9fccf "
        "8ba0cc706305e2bf 0572eaac206b3210 5eaf64d2477d4176 de8165286fa63c9a 0743cc480ee86611 384a9778ac2ad3c2 "
        "9aba31a6a3a16d91 77c2ebf0c3df1944 4e5ea6957eafef7b cd905248ae4ac302 ea40be9adcef76c1 f7f20566f010f53a "
        "faaf23d52b146dfc 546659a9435d6890 865e0d3a85153809 7fc567f90171a5bc a64ed54f0b45945b ef309c87028c7ab0"
    ),
    "prefect": "a3690f0986ca595e",
    "transformers": "5de261506c0ff857",
    "authlib": "b8e148545b13c78b 4c20e6f5cc11b937",
    "bokeh": "50d028dc2cb1bed7",
    "pinecone": "60b365882290d7a5 61effba38add3bf5",
    "prowler": "97568c803a557493",
    "impacket": "a5defee3e1b1560c",
    "napalm": "9a5eaafaff9d825d",
    "sshtunnel": "2e4f447e1e61ec57",
    "httr for R": (
        "621827436a13ba3f b48c316c2421a32b 98d5e76e542db99c 4546511f83e00f39 f0c5924c9a052f45 41c43d7bc11eefca "
        "aa06d82cd735fa55 4f98147c3d9bf270 eee6eae5bdbc4d17 4a5466392797c53c"
    ),
    "jsonlite for R": "1af7409364555483 3fd86ae9d3ad6ef3 c33b3b879a3de38a",
    "ruby-openid": ("7d2f5d4ec10adaed c0d892bbafce91a9 0145f34dd98a7662 313b4d8717f90436 d427f216a1a750eb"),
    "WordPress": (
        "bd827f57f3de0044 8f8f9d06a40fbfb8 6a5eb905e55eb7b2 85b202a179e10732 108741b452893a93 5b225527d22f46b2 "
        "3ff075ae6f33ec23 775f6ca2c96d4d2a"
    ),
    "the CI of Rust": ("d4a3e6d348cdbc08 f900cbe6dce6c6be bbdc91d28653bf17 934195c19eed08f1"),
    "phpmyadmin": "80a51e51730dc6a7",
    "aws-sdk": ("1d23b6b67fde9263 e9216a756b9ff4e8 6095d2850d791adb f6c4876b71cd13ea bf03f60872cfb4ea"),
    "@hapi/iron": "82990fcfd73f9ee3",
    "prisma": "4b4bf6e65f1047a9 80b0a8b611faacaa",
    "http-signature": "144e629046017c9b",
    "passport-jwt": "efe3a30903b504bc",
    "selfsigned": "2c887fc9e847acef 07e5989923c88892 1fe965fdb10a588b",
    "spdy": "e3a4f599f747f6ee",
    "url": "f821f2a71fe5f6c4 6c819cdd239adab3",
    "hosted-git-info": "26b80fac35c988be",
    "pino": "731fa294d036e54f",
    "npm-registry-fetch": "2fbb3d155c94a33e",
    "@electric-sql/pglite": "6df6a6ca91afcd75 7106179e26e204d5 5d2e9f3eac2746e8",
    "jsrsasign": "51eb8382e6562005 d76234ff93fd45ce",
    "node-rsa": "10786e46ad4025af",
    "public-encrypt": (
        "841e2819c4edde33 512a3bec8c48bc54 1b2957613e7545dd b4f16e35373697ef 3ea6bb039b6b42de d7d2cf46e0a0afc0 "
        "1a73453b1107c08c bc117fb2986e086b e38285ba9e8807eb"
    ),
    "@noble/curves": "274824e47a1a4c10",
    "ethereum-cryptography": "bce9654d49854dbd",
    "ethers": ("d1d2d26c32c0cf70 eb4edce1ae410003 bcc1a4dcd108e532 0dec272a05c648a7"),
    "ssh2": (
        "02f69614b08add8e 1688c614c938ec8a 108ffc57bfb5bc74 819475c5475892e9 cb5da88c7d90e00e 0bc66126ceb3e3e4 "
        "0528ac8f3e1b232a 2027f9e4c7150b61 4093bc52b569c488 e51d439171749659 d57e026841a1454d e5e713a3a6326ad6 "
        "7cd6ec0d1de4345b fdd48aa23ae79679 59923071447e8165 553590d28861b262 50b13731f975d8f0 952906b8504667d5 "
        "d614d2875545d117 7a209721f08c08b0 5b72946f7211df46 c21040241583fb96 8bd4676bbf1141b0 c379b7cd6645caf6 "
        "5ca007b097315cad 0c81fe90278d93d1 1b938f267b39f700 e65b46e69e11e4e9 c391e0d97cc2dc5c bba93adc120b14bf "
        "a2c7b7b1d1f1f9c4 c04c2307dffe31d6 ee8f4e6f316615d3 7353384fd49ff235 130d16e847132eb2 a0db28fcbc5e725d "
        "9ec4718e7b273663 b5e5a4cb26600d88 7a4b6a7087fc32b6 1ef3ae160e234410 5f8043b8fff35927"
    ),
    "web3-eth-accounts": (
        "96420b51edaa31a0 8b5c0ea6bc3b6b9d b7a4257bddc7c4ed 7957e26005ebfdcf 4497e629fd280cf8 8e975be85d7dcb03 "
        "7c5eb7a1a8ba4215 58e21e2c17a7402d 431326989fc9e349 f50574783e2edc1e 0033ebddc7386b12 62bd4921af06734d "
        "503c57c99d9c6d78"
    ),
    "web3-rpc-providers": (
        "9e875745a9ef9e72 ef3f9d503d3af2aa b16b133347df6759 e86453627096250f 1470faa139189767 acffbf7a45545472 "
        "0a02ffbcde54907f 63296f27fa7d2c51 23e468655e16abba"
    ),
    "@bugsnag/core": "31b321aa1185533e decc61e33b831fdc",
    "@netlify/api": "ae775480c0b06ab3",
    "@netlify/functions-dev": "05bf1df9b4e3c952",
    "netlify-cli": "cb28b377540c6097",
    "universal-github-app-jwt": ("e6c8dd264b701b1c 04e70cd172b3d959 f837ccf17d336083 b8275b7874144d4e"),
    "hpagent": "ad62d48d8b069026",
    "winston": "40955cf69a2b5605",
    "nssocket": "a2d4d18537c17995",
    "ps-tree": "733a79b7726093d2",
    "@noble/hashes": "ea32961dbd579ef5",
    "bcrypt": "87d81a1ba01c936e",
    "gcsfs": "ff88e194dfde6f80",
    "google": "a768f1f3ab05c8dc",
    "litellm": "e8610d763e3aecb2",
    "nodeenv": "0b09d308a0e7f512",
    "sglang": "2947968b371eb5aa",
    "snowflake": "e271d94337c48d18",
    "sqlalchemy_bigquery": "5758becc358366b2",
    "packages that install a folder named tests": "d480fb4c4041d3c8 3763dbe7ac8153d0",
    "@nuxt/devtools": "72eb9e829d0677a8 11ad2f54f75ff40d",
    "wandb": "7ba8cfc09ef5951f",
    "Mojo/URL": "1cbd9f5f0556b0e8",
    "Chromium, as in Debian": "f7026ba153dc0b7d 0932b11171039a7c",
    "firefox-esr": "c50ddbfcc494a7c4 83063ef33dce72a3 4e2a44e05646942d",
    "python3.11": (
        "a003c6cb465bd458 b48c4c7c84699885 05a6736f40bae7c0 7b7f8e249efdf889 ee4f338a2d889841 4cff9e943c216751 "
        "d5d79d7833a4deab 85f11ff5a5107ed9 f14882b00f446cd6 7083afa1132ac1d4 2cdf319e2fe5feee 80922bbdccd57093"
    ),
    "azure": "98d808174a53ca07",
    "barbican": "46ab9518ed1dafd5 45eef5142d9e164e",
    "cinder": (
        "147a094ac1a8f234 51b1a1a0e2d98a7c 6bcc5692311ba687 fd93529f25076523 1cbb51e30cfb74e0 1ad6e59f2db33792 "
        "dfc79b74ccb18b62"
    ),
    "glance": "e1ef868f9da77ebd",
    "ironic": "a842a820ee1722bb",
    "keystoneclient": ("fb937f83a8b04fd0 e2d1a4dd48220e64 7da279e83cf079b3 ea7c8dd3c6762145 98ae8819fc7f54bb"),
    "neutron": "6ac0bf65254dfdd4",
    "nova": (
        "9cbc07177f5a5203 4d953f5c378957af 7d2ece4a8bee809e 5facda1d9503c5ac a4a622af38b31d61 b1dcf04674ac7e21 "
        "16e34766e7ad1dd2 338e0314a941144c a22ff07046e67b7b 499c68f60abc363b 7686cd0a6fc32f6d"
    ),
    "swift": "9711de72e8d8e9b7",
    "x86_64-linux-gnu": (
        "2b510c1ef7b0f3ae 3420fe6c0acd86b0 8f879037012885fb 557e06381c7e6448 916591fe3a480392 05157bcfa9522d8c"
    ),
    "cloud-init": ("916673bced4317de 0c94d1074880baff 960280ab389c4a80 adab36401a300166"),
    "golang-google-grpc-dev": "e1ba41615f37b31a",
    "libxmlsec1-dev": "4e6af0221e03f890",
    "wpasupplicant": "cdd45c59bae1ff95 6c86c6aac5fb24bc",
    "ettercap": "768135350f066e16",
    "the tests of Go modules, as in Debian": (
        "203438b911fb6709 84197bce1117bd07 d20d1ff2bec1db8f 9406f9f80c3a1e64 09ee25b33bbd79c0 9ff0d2b8dd126cdb "
        "ca3355cee5dc8e3e 82a151a786ae4a29 e12867e6cd431f13 66102e8864868204 44d3cf5f136f2481 3f1946033638146b "
        "baf4784ee5177052 134c3e7cfdf14e94 10a513ebdc3ebc45 c5123f7996e1833a bc6129cd16fb1dfe 56c4e8adbce2bb80 "
        "ddd5c93306edc0d5 49f1475cf8208bbd 53169dcf0b70ad03 52c7441e0877689a 9c372e9008492a46 0f359846a4df6950 "
        "91131a98f68ab36f dc52da221c114c93 62f944ef140dc573 d392819eeee5ff68 196f92bd793ddec9 33a6d3750d9a769b "
        "b5b17ca1d65733bb 9ec0be036c22f06f 8fa8115a160936ec a7331a07f97f4686 58d573f4e3349a0b 8b2f424c8278c49b "
        "9f6332535e1ce989 42a74caa99289b86 d1b2ccfaca5fad5c c6aa6551cd3a0a10 be77fc7417a47842 df452eef23e8cf2c "
        "5e9d59cd6143b02a f672d09685e0fa2c a616604bc438b618 7576ce4471a94682 3db4859254de1d57 e93af37154ed5ba8 "
        "c976e3dfbddbb620 ed73283c522bb7bd 990f21c3f38d789a 67263ca605cf3b08 233a89eaa6a10f88 d490a6d4b0056606 "
        "b0d4faa9e1112ecb 92a9ec651a85b979 1175ce19eb50f395 1f4f64bcd1b9a5b4 911a557a09dc315e 24a02ac0870ce629 "
        "2e335faf2a795de1 75b741014fb5fc41 3b82fa05ac66f898 d1a6a197efd9030e b2a7de5147c4d158 00300ad3009e3234 "
        "a84b5c73c4f97fc2 752ee47bdf36d975 2c456ab58e3d287d 7d51f6525a28267a 38f16c77d9eebaf8 56c444a069f01a83 "
        "b96ded34b7ab4640 e5ad9000e58995b2 2ad3449dac2fa5a2 a7f10714176a9f79 d3936db90cb85de8 1bc090ae9c8bc9a8 "
        "f4d86f3476da2739 cbddab655d429f0d 8716be8460a078d8 c9cb306fb7ccc5db 832e978220a044ff 44c8ab2fd65753a7 "
        "bb1914ed66889295 6ffd0ffee95080e3 be8a07bf1122b524 afce0d38bedb686c 8b1b17a9740c068a 8d49fc6bfb5140dd "
        "ca8efa9692b9a110 b8acd68e95832dfd a0694213fd9d30f0 f738ca1be8d68232 181782897013a8c5 b8860c6f1cb4c0af "
        "aa58c45fcd5c089b 6e426459ca9b9b8a 2b9ec8698b19c5dc 4558a595415037fc 8d4ef6536dc8895f 191cf574e103204c "
        "43a836d01ff59568 ca4a2e938999c749 9c13ec33a145d5c2 98b95c3a45da51c4 9c14e99aa7f0e7a4 8662fc2ab7d6d062 "
        "678c1eb2f99fc052 7ea0aaa69214e71e 1595ad89ae2b563a d47083c0ec0066d8 a83a69ce4f64ffe1 caad1955d2e770ea "
        "8aa884ec767bf771 f1d6e0939e92d7d9 ce9b398823bd4e00 49aa00c175f1a0ac ee7ec241a7a0b0d0 b8c773f8fa063ef8 "
        "a89bb1c1224b4762"
    ),
    "sqlmap": "c5643bf1ed076f2c 9d993e98a8a28248 be7504f564c51886",
    "thunderbird": ("07d788239a8fcb6f d4242460ecbb1b30 996b21cb99382b32 c6b9334fde766fd4 9a06971bcbfcf26f"),
    "cloudinit": "d8b851647d52a6a0 bd84b29cf06c0ad6",
    "libgrpc-java": "d96cbfbada78dd29",
    "node-jose": "94d0b83f98d2057d 46e694a34982ca78",
    "php-symfony-mercure": "2eaa14ab2730e1ea",
    "nodejs": "615bf0fd58ae8005 16a7986eb3031274",
    "Symfony": "0cbd8251a92004ef",
    "RFC 7617, Basic authentication": "cf4d418ed3de92d7 687da00b09c83361",
    "the Cargo book": "3c14aab79351be94",
    "the documentation of pip": "ac0fd5fb36e32010",
    "the tests of CPython": (
        "c3a234f77e147183 0a5d37ad1b744b5a 0184db1f82d1cba1 1c5208b44b050d19 d3e3d1f0ddae1366 f9936c7b09af5c30 "
        "8c58a2a502dcb84f 33be8483000947e1 c8b51ec89200221d aa7f2c9ac1e09634 86d7bb0f73bb7033 3cb17385d4509dd2 "
        "9fb1ee4f614279a7 e1dc61d397d0f73f f32dfd3602605b7a 7e1d17ace2d3edc9 4f65eb675478c411 da0d9892509d21f8 "
        "d4e1aa7d3e68848b 8d827189fa61f0c0 3b4f259ca1a932e8 cdb1acb52c323161"
    ),
    "the tests of charset-normalizer": "0589bf063c8c9ae6",
    "the tests of requests": "8f4dc7861e970014 457c5ed3bcb01a13 32048ce397b9b7d3 d7d4966f52a47cfc",
    "the test server of urllib3": "b36ebff05f8b5d0a 39ab9b9e43e25066",
    "the Google Cloud SDK": (
        "cd34cbb336b13ef9 b3f19cc85129501b 456a51b1f1b3cf3e 486743a2eab4395e a73b3ad3b416d981 6189b36d964849f3 "
        "f0386f9be1fe905f 6f83bf60f7f9c277"
    ),
    "the tests of gsutil": (
        "a3cca8f705174906 04350df9556081e9 f34d5fa19d189c22 66917fd37ff73e07 49a6a0cca15ea00f 67909835043ce404"
    ),
    "the tests of google-auth": (
        "4e40056e66ea098c d4cf18485c683cda 90a86a220c7ced90 dbe3c5bda333d160 61eae15cb0e8b8a6 97e3597f7c01eaff"
    ),
    "the tests of boto": "851afa27a3c19c8c",
    "the README of conjur-api": "bbd3450c4519f28e",
    "the tests of the AWS SDK for Go": "0e233ae3dbfafb8d",
    "Jetty": "93f430ac35af809c 81a81864c08ef7ec 95eae79ab71e70c4 df3872e60f527dc9",
    "the description of GitHub's API": (
        "eed4393edd1eca85 64c705a5cf4254bc 708142cdecacc33a 58ab891f5503eae6 9b42fb93d75f7f11 f93d6a2fb0f29cb1 "
        "55fdd60d9d3286e6"
    ),
    "jose4j": "c5e853cc12df59fd",
    "the help of H2": "a3540150a453cb8a",
}
"""``digest`` of each value, by where it stands."""

_KNOWN: Final = frozenset(known for digests in BY_ORIGIN.values() for known in digests.split())


def digest(value: bytes) -> str:
    """What stands for a value here."""
    return hashlib.sha256(_content(value)[:HASHED_BYTES]).hexdigest()[:DIGITS]


def is_published(value: bytes) -> bool:
    """Whether everybody has ``value``."""
    return digest(value) in _KNOWN


def _content(value: bytes) -> bytes:
    value = value.strip()
    key = pem.parse(value) if value.startswith(_KEY_HEADS) else None
    return key.body if key else value
