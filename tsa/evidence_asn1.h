/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence_asn1.h - the ASN.1 of evidence records (RFC 4998, appendix A), for OpenSSL's templates. Tags are implicit. Tokens stay as
 * the bytes that they were.
 */
#ifndef TSA_EVIDENCE_ASN1_H
#define TSA_EVIDENCE_ASN1_H

#include <openssl/asn1t.h>
#include <openssl/x509.h>

/* cppcheck-suppress unknownMacro */
DEFINE_STACK_OF(ASN1_OCTET_STRING)
/* PartialHashtree ::= SEQUENCE OF OCTET STRING */
typedef STACK_OF(ASN1_OCTET_STRING) ER_LIST;
DEFINE_STACK_OF(ER_LIST)

/* EncryptionInfo ::= SEQUENCE { encryptionInfoType OBJECT IDENTIFIER, encryptionInfoValue ANY } */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_TYPE *value;
} ER_ENCRYPTION;

/* ArchiveTimeStamp ::= SEQUENCE {
 *     digestAlgorithm [0] AlgorithmIdentifier OPTIONAL,
 *     attributes      [1] Attributes OPTIONAL,
 *     reducedHashtree [2] SEQUENCE OF PartialHashtree OPTIONAL,
 *     timeStamp       ContentInfo } */
typedef struct {
	X509_ALGOR *digestAlgorithm;
	STACK_OF(X509_ATTRIBUTE) * attributes;
	STACK_OF(ER_LIST) * reducedHashtree;
	ASN1_TYPE *timeStamp;
} ER_TIMESTAMP;
DEFINE_STACK_OF(ER_TIMESTAMP)

/* ArchiveTimeStampChain ::= SEQUENCE OF ArchiveTimeStamp */
typedef STACK_OF(ER_TIMESTAMP) ER_CHAIN;
DEFINE_STACK_OF(ER_CHAIN)
/* ArchiveTimeStampSequence ::= SEQUENCE OF ArchiveTimeStampChain */
typedef STACK_OF(ER_CHAIN) ER_SEQUENCE;

/* EvidenceRecord ::= SEQUENCE {
 *     version                  INTEGER { v1(1) },
 *     digestAlgorithms         SEQUENCE OF AlgorithmIdentifier,
 *     cryptoInfos              [0] CryptoInfos OPTIONAL,
 *     encryptionInfo           [1] EncryptionInfo OPTIONAL,
 *     archiveTimeStampSequence ArchiveTimeStampSequence } */
typedef struct {
	ASN1_INTEGER *version;
	STACK_OF(X509_ALGOR) * digestAlgorithms;
	STACK_OF(X509_ATTRIBUTE) * cryptoInfos;
	ER_ENCRYPTION *encryptionInfo;
	ER_SEQUENCE *sequence;
} ER_RECORD;

enum { EVIDENCE_RECORD_MAX = 4 * 1024 * 1024 };

DECLARE_ASN1_FUNCTIONS(ER_TIMESTAMP)
DECLARE_ASN1_FUNCTIONS(ER_RECORD)
DECLARE_ASN1_ENCODE_FUNCTIONS(ER_SEQUENCE, ER_SEQUENCE, ER_SEQUENCE)

#endif
